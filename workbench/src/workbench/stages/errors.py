"""How a command ends when something is wrong: one clear line and a non-zero exit."""

import contextlib
import errno
import os
import sys
from argparse import ArgumentError
from collections.abc import Callable
from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from workbench.local_cloud import interrupts
from workbench.stages.visible import say

# What is wrong with the machine, not with the program: no permission, no room, a read-only disk.
OF_THE_MACHINE = {errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EROFS}


# For the help of commands whose exit status says more than "something is wrong".
THROUGH_MAKE = """\
`make` ends with 2 whatever fails, and prints the command's own status ("Error 1"); a script that
needs it calls .venv/dev/bin/python -m workbench.…, with the same variables in its environment."""


class UserError(Exception):
    """Something a person can put right. The message says what is wrong and what to do."""


def agreed(question: str) -> bool:
    """Whether a person says yes. YES=1 does; nobody there to answer does not."""
    if os.environ.get("YES") == "1":
        return True
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        print()
        answer = ""
    return answer.strip().lower() in ("y", "yes")


def run(main: Callable[[], int | None]) -> None:
    """Run a command's `main` and exit with its code (None is 0).

    A UserError, a wrong argument (where the parser leaves it to us), what AWS answers and what the
    machine refuses become one line on stderr and exit 1; Ctrl-C, SIGTERM and a closed terminal
    exit 130, after what was begun is ended. Everything else is a bug and keeps its stack trace.
    """
    try:
        with interrupts.interruptible():
            code = main() or 0
            sys.stdout.flush()  # a full disk shows here, not when the interpreter ends
    except (UserError, ArgumentError) as error:
        _report(f"error: {error}")
        code = 1
    except (BotoCoreError, ClientError) as error:
        _report(f"error: AWS: {error}")
        code = 1
    except BrokenPipeError:
        code = 141  # the reader (`| head`) went away: what a shell reports for SIGPIPE
    except OSError as error:
        if error.errno not in OF_THE_MACHINE:
            raise
        _report(f"error: {error.filename or 'a file or the output'}: {error.strerror}")
        code = 1
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):  # the terminal may be gone
            print("interrupted; the same command again goes on from here", file=sys.stderr)
        code = 130
    _exit(code)


def _report(message: str) -> None:
    """Print a message on stderr; what is not its first line is set in, so that it stays one."""
    first, *more = message.split("\n")
    say(first, *(f"  {line}" for line in more), file=sys.stderr)


def _exit(code: int) -> NoReturn:
    """Exit with `code`, also where what was printed can no longer be written."""
    try:
        sys.stdout.flush()
    except OSError:
        # What is still in the buffer would fail again, and turn the code into 120.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
