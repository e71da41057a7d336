"""How a command ends when something is wrong: one clear line and a non-zero exit."""

import errno
import sys
from argparse import ArgumentError
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

# What is wrong with the machine, not with the program: no permission, no room, a read-only disk.
OF_THE_MACHINE = {errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EROFS}


class UserError(Exception):
    """Something a person can put right. The message says what is wrong and what to do."""


def run(main: Callable[[], int | None]) -> None:
    """Run a command's `main` and exit with its code (None is 0).

    A UserError, a wrong argument (where the parser leaves it to us), what AWS answers and what the
    machine refuses become one line on stderr and exit 1, Ctrl-C exit 130. Everything else is a bug
    and keeps its stack trace.
    """
    try:
        code = main() or 0
    except (UserError, ArgumentError) as error:
        print(f"error: {error}", file=sys.stderr)
        code = 1
    except (BotoCoreError, ClientError) as error:
        print(f"error: AWS: {error}", file=sys.stderr)
        code = 1
    except BrokenPipeError:
        code = 141  # the reader (`| head`) went away: what a shell reports for SIGPIPE
    except OSError as error:
        if error.errno not in OF_THE_MACHINE:
            raise
        print(f"error: {error.filename or 'a file'}: {error.strerror}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        print("interrupted; the same command again goes on from here", file=sys.stderr)
        code = 130
    sys.exit(code)
