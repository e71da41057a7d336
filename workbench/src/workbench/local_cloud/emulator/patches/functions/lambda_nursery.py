"""Lambda: workers that are forked from a process which has imported what they need."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import types
from pathlib import Path
from typing import Any

from workbench.local_cloud.emulator import nursery
from workbench.local_cloud.emulator.patches.targets import module


def forked_workers() -> None:
    """A worker starts from a prepared process: a matter of speed and memory only.

    AWS has prepared environments. MiniStack starts an interpreter for each worker, and each
    imports boto3 and the package's libraries anew: a third of a second and 45 MB, a dozen times
    at once. From a package's second worker on, workers are forked from a process that has done
    so, and share its memory. On Linux only: elsewhere forking is not safe.
    """
    if sys.platform != "linux":
        return
    runtime = module("core.lambda_runtime")
    nurseries = _Nurseries()

    def start(command: list[str], **options: Any) -> Any:
        if command[0] == sys.executable and "cwd" in options:
            package = os.path.realpath(options["cwd"])
            if nurseries.is_worth(package):
                # Should the nursery have died, the worker starts as it would without one.
                with contextlib.suppress(OSError, ValueError):
                    return nurseries.fork(package, command[1], options["cwd"], options["env"])
        return subprocess.Popen(command, **options)

    runtime.subprocess = types.SimpleNamespace(**(vars(subprocess) | {"Popen": start}))


class _Nurseries:
    """The nursery of the package that is in use; it is replaced when another one is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._package = ""
        self._channel: socket.socket | None = None

    def is_worth(self, package: str) -> bool:
        """Whether a worker of this package has been started before."""
        with self._lock:
            known = package in self._seen
            self._seen.add(package)
            return known

    def fork(self, package: str, script: str, cwd: str, env: dict[str, str]) -> "_Worker":
        """A new worker that runs `script`."""
        # A sequence of packets, so that one message is one worker.
        ends = [os.pipe() for _ in range(4)]
        (stdin, to), (out, stdout), (err, stderr), (life, lives) = ends
        theirs = [stdin, stdout, stderr, lives]
        message = json.dumps({"script": script, "cwd": cwd, "env": env}).encode()
        try:
            with self._lock:
                channel = self._opened(package)
                socket.send_fds(channel, [message], theirs)
                pid = int(channel.recv(32))
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        return _Worker(pid, to, out, err, life)

    def _opened(self, package: str) -> socket.socket:
        if self._channel is not None and self._package == package:
            return self._channel
        if self._channel is not None:
            self._channel.close()  # the nursery of an earlier package ends; its workers do not
        mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, nursery.LARGEST_MESSAGE)
        with its:
            command = [sys.executable, "-I", str(Path(nursery.__file__)), str(its.fileno())]
            # Waited for by nobody: it lives as long as this process, or ends with its channel.
            subprocess.Popen([*command, package], pass_fds=[its.fileno()], stdin=subprocess.DEVNULL)
        self._channel, self._package = mine, package
        return mine


class _Worker:
    """A forked worker, as MiniStack knows one: a part of `subprocess.Popen`."""

    def __init__(self, pid: int, to: int, out: int, err: int, life: int):
        self.pid = pid
        self.stdin = os.fdopen(to, "w", buffering=1)
        self.stdout = os.fdopen(out, buffering=1)
        self.stderr = os.fdopen(err, buffering=1)
        self._life = os.fdopen(life, "rb", buffering=0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; TimeoutExpired when that takes too long."""
        ends = select.poll()
        ends.register(self._life)
        if not ends.poll(None if timeout is None else timeout * 1000):
            raise subprocess.TimeoutExpired("worker", timeout or 0)
        return 0

    def poll(self) -> int | None:
        """None while it lives."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def _send(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._send(signal.SIGKILL)
