"""The local cloud's processes: start, recognise, stop, weigh."""

import contextlib
import functools
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.local_cloud import interrupts, state
from workbench.stages.errors import UserError
from workbench.stages.stage import MODULES, ROOT

_RECORDS = "processes.json"
_STOP_SECONDS = 8.0


@dataclass(frozen=True)
class Process:
    """A process that `make up` started, in a process group of its own."""

    name: str
    pid: int
    started: str  # tells it from another process that got the same number later
    stop_signal: int = signal.SIGTERM

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return bool(self.started) and started_at(self.pid) == self.started


def started_at(pid: int) -> str:
    """When a process began, in the system's own terms; empty when there is none."""
    status = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            # The name, in brackets, may hold anything; fields after it are safe to split.
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] == "Z" else f"{fields[19]} after boot {_boot()}"
    answer = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True)
    return answer.stdout.strip()


@functools.cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


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
        process = Process(name, running.pid, started_at(running.pid), stop_signal)
        others = [vars(other) for other in recorded() if other.name != name]
        state.write_json(_RECORDS, [*others, vars(process)])
    return process


def recorded() -> list[Process]:
    """The processes that were noted, alive or not."""
    return [Process(**entry) for entry in state.read_json(_RECORDS) or []]


def check(process: Process) -> None:
    """Raise UserError with the end of its log when a process that should run has ended."""
    with contextlib.suppress(ChildProcessError):  # not our child: started by another command
        os.waitpid(process.pid, os.WNOHANG)  # a child that ended stays as a zombie until asked
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
        while not _gone(process) and time.monotonic() < deadline:
            time.sleep(0.02)
        _signal(process, signal.SIGKILL)  # also what is left of its group
    (state.folder() / _RECORDS).unlink(missing_ok=True)
    return [process.name for process in running]


def stop(name: str) -> None:
    """Stop the noted process of that name and wait for its end; nothing where none runs."""
    for process in recorded():
        if process.name == name and process.alive:
            _signal(process, process.stop_signal)
            while not _gone(process):
                time.sleep(0.02)


def await_group(process: Process) -> None:
    """Wait until what an ended process left running has ended too, with a limit, then end it.

    A server's workers may hold its memory for a moment, and a new one refuses to start beside it.
    """
    deadline = time.monotonic() + _STOP_SECONDS
    while (left := _members(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _members(group: int) -> list[int]:
    """The processes of a group whose leader has ended."""
    members = []
    for pid, _, _ in _process_table():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if pid != group and os.getpgid(pid) == group:
                members.append(pid)
    return members


def _gone(process: Process) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    return not process.alive


def _signal(process: Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def kill_group(pid: int) -> None:
    """End a process and its group without more ado."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for child, parent, _ in _process_table():
        children.setdefault(parent, []).append(child)
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def memory(pids: Sequence[int]) -> float:
    """How many MB processes hold; what several share is counted once where the system tells."""
    kilobytes = {pid: resident for pid, _, resident in _process_table()}
    return sum(_share(pid) or kilobytes.get(pid, 0) for pid in pids) / 1024


def _share(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _process_table() -> list[tuple[int, int, int]]:
    """Process, parent and resident KB of everything that runs."""
    if not Path("/proc/self/stat").exists():
        answer = subprocess.run(["ps", "-axo", "pid=,ppid=,rss="], capture_output=True, text=True)
        rows = [line.split() for line in answer.stdout.splitlines()]
        return [(int(pid), int(parent), int(resident)) for pid, parent, resident in rows]
    page = os.sysconf("SC_PAGE_SIZE") // 1024
    table = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = entry.read_text().rpartition(")")[2].split()
            table.append((int(entry.parent.name), int(fields[1]), int(fields[21]) * page))
    return table


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
