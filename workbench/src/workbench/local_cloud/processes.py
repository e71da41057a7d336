"""The local cloud's processes: start, recognise, stop, weigh."""

import contextlib
import math
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from workbench.local_cloud import interrupts, state
from workbench.stages.errors import UserError
from workbench.stages.stage import MODULES, ROOT
from workbench.stages.waiting import within

_RECORDS = "processes.json"
_STOP_SECONDS = 8.0
_LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Process:
    """A process that `make up` started, in a process group of its own."""

    name: str
    pid: int
    started: int | None  # tells it from another process that got the same number later
    stop_signal: int = signal.SIGTERM

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.started is not None and identity(self.pid) == self.started

    def await_end(self, limit: float) -> None:
        """Wait until it has ended, for `limit` seconds at most."""
        within(limit, lambda: not self.alive, _LOOK_SECONDS)


def identity(pid: int) -> int | None:
    """A process's number and start in one, whatever the clock is set to; None when it has ended."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else hash(process)
    except psutil.NoSuchProcess:
        return None


def start(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    stop_signal: int = signal.SIGTERM,
) -> Process:
    """Start a process that outlives this command, and note it; its output goes to its log."""
    # Started and noted, or neither: what is not noted is never stopped.
    with state.log_file(name).open("wb") as log, interrupts.held():
        running = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        process = Process(name, running.pid, identity(running.pid), stop_signal)
        others = [vars(other) for other in recorded() if other.name != name]
        state.write_json(_RECORDS, [*others, vars(process)])
    return process


def recorded() -> list[Process]:
    """The processes that were noted, alive or not."""
    return [Process(**entry) for entry in state.read_json(_RECORDS) or []]


def check(process: Process) -> None:
    """Raise UserError with the end of its log when a process that should run has ended."""
    if not process.alive:
        raise UserError(f"{process.name} ended; {last_lines(process.name)}")


def has_logged(name: str, text: str) -> bool:
    """Whether a process's log holds a text."""
    return text in state.log_file(name).read_text(errors="replace")


def last_lines(name: str, count: int = 8) -> str:
    """The end of a process's log, with its place."""
    path = state.log_file(name)
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return "\n  ".join([f"the end of {path}:", *lines[-count:]])


def stop_all() -> list[str]:
    """Stop every noted process that still runs; the names of those that ran."""
    running = [process for process in recorded() if process.alive]
    for process in running:
        _signal(process, process.stop_signal)
    deadline = time.monotonic() + _STOP_SECONDS
    for process in running:
        process.await_end(deadline - time.monotonic())
        _signal(process, signal.SIGKILL)  # also what is left of its group
    (state.folder() / _RECORDS).unlink(missing_ok=True)
    return [process.name for process in running]


def stop(name: str) -> None:
    """Stop the noted process of that name and wait for its end; nothing where none runs."""
    for process in recorded():
        if process.name == name and process.alive:
            _signal(process, process.stop_signal)
            process.await_end(math.inf)


def await_group(process: Process) -> None:
    """Wait until what an ended process left running has ended too, with a limit, then end it.

    A server's workers may hold its memory for a moment, and a new one refuses to start beside it.
    """
    within(_STOP_SECONDS, lambda: not _members(process.pid), _LOOK_SECONDS)
    for pid in _members(process.pid):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _members(group: int) -> list[int]:
    """The processes of a group whose leader has ended."""
    members = []
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if pid != group and os.getpgid(pid) == group:
                members.append(pid)
    return members


def _signal(process: Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def kill_group(pid: int) -> None:
    """End a process and its group without more ado."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def tree(pid: int) -> list[psutil.Process]:
    """A process and all that descend from it."""
    first = psutil.Process(pid)
    return [first, *first.children(recursive=True)]


def memory(tree: Iterable[psutil.Process]) -> float:
    """How many MB processes hold; what several share is counted once where the system tells."""
    return sum(map(_share, tree)) / 2**20


def _share(process: psutil.Process) -> int:
    try:
        held = process.memory_full_info()
        return int(getattr(held, "pss", held.uss))
    except psutil.NoSuchProcess:
        return 0  # it has just ended
    except psutil.AccessDenied:
        return process.memory_info().rss


def clean_environment(**more: Any) -> dict[str, str]:
    """An environment with nothing of the caller's: no credentials, no profile, no proxy."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(state.folder("home")),
        "TMPDIR": str(state.folder("tmp")),
        "LANG": "C.UTF-8",
        "PYTHONPATH": MODULES,
        **{name: str(value) for name, value in more.items()},
    }
