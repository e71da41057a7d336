"""Copies of the repository that flaws are put into, one at a time."""

import concurrent.futures
import contextlib
import os
import queue
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Self

from workbench.local_cloud import processes
from workbench.mutants import checks
from workbench.mutants.checks import Catch, Check
from workbench.mutants.flaws import Flaw
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT

LIMIT = 600  # seconds for one check; a flaw may make it wait for ever
GRACE = 30  # seconds to take down what a check has started


class StoppedError(Exception):
    """Somebody interrupts: this copy checks nothing any more."""


class Copy:
    """A copy of all sources, with the environments of the original.

    `sound` has the checks that find nothing where there is no flaw, as far as the copies know.
    """

    def __init__(self, root: Path, sound: set[Check]) -> None:
        self.root = root
        self._time = int(time.time())
        for name in sources():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        (root / ".venv").symlink_to(ROOT / ".venv")
        self._python = str(root / ".venv" / "dev" / "bin" / "python")
        self._running: subprocess.Popen[str] | None = None
        self._stopped = False
        self._sound = sound
        self._environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "PYTEST_", "WORKBENCH_"))
        } | {"STAGE": "local", "COLUMNS": "400", "WORKBENCH_LOCAL_DIR": str(root / ".local")}

    def evaluate(self, check: Check) -> Catch | None:
        """What a check says of the copy as it is; StoppedError once it was stopped."""
        if self._stopped:
            raise StoppedError
        self._running = subprocess.Popen(
            [self._python, *check.arguments],
            cwd=self.root,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # ends with all that it has started, and only when told
        )
        try:
            output, _ = self._running.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            self._interrupt()
            return Catch(check.name, f"it did not end within {LIMIT} seconds")
        if self._stopped:
            raise StoppedError
        return checks.read(check, output) if self._running.returncode else None

    def stop(self) -> None:
        """End what runs in this copy, as Ctrl-C would, and let nothing begin."""
        self._stopped = True
        self._interrupt()
        if (self.root / ".local" / "processes.json").exists():
            down = [self._python, "-m", "workbench.local_cloud", "down"]
            silent = subprocess.DEVNULL
            subprocess.run(down, cwd=self.root, env=self._environment, stdout=silent, stderr=silent)

    def _interrupt(self) -> None:
        if self._running and self._running.poll() is None:
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(self._running.pid, signal.SIGINT)
                self._running.wait(GRACE)
            processes.kill_group(self._running.pid)

    def try_out(self, flaw: Flaw) -> Catch | None:
        """Who catches a flaw; None when nobody does. The copy is whole again afterwards.

        A flaw in what is deployed must be reported in words. A test that breaks catches code, too.
        Raises UserError for a check that fails without the flaw, too: it would catch everything.
        """
        path = self.root / flaw.file
        whole = path.read_text(encoding="utf-8")
        self._write(path, flaw.change.applied(whole))
        try:
            evaluated = ((check, self.evaluate(check)) for check in checks.of(flaw, self.root))
            check, catch = next(
                (
                    (one, said)
                    for one, said in evaluated
                    if said and (flaw.kind == "code" or said.tells)
                ),
                (None, None),
            )
        finally:
            self._write(path, whole)
        if check and catch:
            self._prove_sound(check.only(catch))
        return catch

    def _prove_sound(self, check: Check) -> None:
        """Raise UserError for a check that fails where there is no flaw."""
        if check in self._sound:
            return
        if said := self.evaluate(check):
            raise UserError(f"{said.check} fails without any flaw: {said.said}")
        self._sound.add(check)

    def _write(self, path: Path, text: str) -> None:
        """With a time of its own: Python compiles anew what differs in size or in seconds."""
        path.write_text(text, encoding="utf-8")
        self._time += 2
        os.utime(path, (self._time, self._time))


class Workers:
    """Does things in several copies side by side, each in one that nobody else uses."""

    def __init__(self, copies: list[Copy]) -> None:
        self._copies = copies
        self._free: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        for copy in copies:
            self._free.put(copy)
        self._pool = concurrent.futures.ThreadPoolExecutor(max_workers=len(copies))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for copy in self._copies:
            copy.stop()
        self._pool.shutdown(cancel_futures=True)

    def map[T, R](self, do: Callable[[Copy, T], R], things: Iterable[T]) -> Iterator[R]:
        """What `do` makes of each thing, in their order."""

        def alone(thing: T) -> R:
            copy = self._free.get()
            try:
                return do(copy, thing)
            finally:
                self._free.put(copy)

        return self._pool.map(alone, things)


def sources() -> list[str]:
    """The files that git has, or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        raise UserError("git does not know this folder; run: git init && git add --all")
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
