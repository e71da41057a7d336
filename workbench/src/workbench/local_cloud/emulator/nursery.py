"""A process that Lambda workers are forked from, with what all of them import already imported.

Started by the patch `forked_workers` as a script of its own, with a socket and the folder of the
functions' package. For each message on the socket (JSON: script, cwd, env; and four file
descriptors: stdin, stdout, stderr, and one that only stays open while the worker lives) it forks
a worker that runs the script, and answers with the worker's number. Ends when the socket closes.
"""

import contextlib
import gc
import importlib
import importlib.machinery
import json
import os
import signal
import socket
import sys
from types import ModuleType
from typing import Any

# What the Lambda runtime brings for Python; a function must carry everything else itself.
RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
# Imported ahead, where the package has them; none reads its settings while it is imported.
AHEAD = (
    "boto3",
    "botocore.handlers",
    "s3transfer.manager",
    "msgspec",
    "psycopg",
    "aws_lambda_powertools",
    "aws_lambda_powertools.utilities.parameters",
)
LARGEST_MESSAGE = 1 << 20


def import_ahead(package: str) -> None:
    """Import what workers need, from the package first, as they would find it themselves."""
    site = [path for path in sys.path if path.endswith("site-packages")]
    sys.path[:] = [package, *(path for path in sys.path if path not in site)]

    class RuntimePackages:
        """Finds what the Lambda runtime brings, and nothing else of this environment."""

        @staticmethod
        def find_spec(name: str, path: Any = None, target: ModuleType | None = None) -> Any:
            if path is None and name in RUNTIME:
                return importlib.machinery.PathFinder.find_spec(name, site)
            return None

    sys.meta_path.append(RuntimePackages)
    for name in AHEAD:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    sys.path.remove(package)
    gc.collect()
    gc.freeze()  # what is collected later is not copied from what all share


def become_worker(message: dict[str, Any], descriptors: list[int]) -> None:
    """Run the worker's script in this forked process; never returns."""
    for target, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, target)
        os.close(descriptor)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(message["cwd"])
    os.environ.clear()
    os.environ.update(message["env"])
    sys.stdin = open(0, buffering=1, closefd=False)  # noqa: SIM115 - a descriptor
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    script = message["script"]
    sys.argv = [script]
    sys.path.insert(0, os.path.dirname(script))  # noqa: PTH120
    main = ModuleType("__main__")
    main.__file__ = script
    sys.modules["__main__"] = main
    with open(script) as source:  # noqa: PTH123
        code = compile(source.read(), script, "exec")
    status = 1
    try:
        exec(code, vars(main))  # noqa: S102 - as the interpreter would
        status = 0
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(status)


def serve(channel: socket.socket) -> None:
    """Fork a worker for each message until the socket closes."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for workers: none stays a zombie
    while True:
        text, descriptors, _, _ = socket.recv_fds(channel, LARGEST_MESSAGE, 4)
        if not text:
            return
        worker = os.fork()
        if worker == 0:
            channel.close()
            become_worker(json.loads(text), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        channel.send(str(worker).encode())


if __name__ == "__main__":
    import_ahead(sys.argv[2])
    serve(socket.socket(fileno=int(sys.argv[1])))
