"""How long it takes from an edit to what it gives: `make check`, `make deploy`, `make watch`.

In a copy of the sources with a local cloud of its own, so that nothing of yours is edited.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from workbench.bench.figures import Figure, seconds
from workbench.deployment import outline
from workbench.deployment.packaging import package
from workbench.local_cloud import ports
from workbench.mutants.copies import sources
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT
from workbench.stages.waiting import wait_until
from workbench.watch import turns

_AT_MOST: Literal["at most"] = "at most"
_LONGEST = 300.0  # seconds for one step


class _Copy:
    """A copy of the repository, and commands in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in sources():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        (root / ".venv").symlink_to(ROOT / ".venv")
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "WORKBENCH_")) and name != "ONLY"
        }
        self._environment = kept | {"STAGE": "local", "CLOUD_PORT": str(ports.free())}

    def command(self, module: str) -> list[str]:
        """Return the command of a module, with the copy's own modules."""
        return [str(self.root / ".venv" / "dev" / "bin" / "python"), "-m", f"workbench.{module}"]

    def run(self, module: str, *arguments: str) -> None:
        """Run a command of the workbench to its end. Raises UserError when it fails."""
        done = subprocess.run(
            [*self.command(module), *arguments], cwd=self.root, env=self._environment,
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise UserError(f"{module} fails in a copy: {done.stdout[-2000:]}{done.stderr[-2000:]}")

    def edit(self, path: Path) -> None:
        """Add a line to the copy of a file of ours that changes nothing but the file."""
        with (self.root / path.relative_to(ROOT)).open("a", encoding="utf-8") as file:
            file.write("# edited\n")

    @contextmanager
    def watched(self) -> Iterator[Path]:
        """Run `make watch` beside the block; the file with what it prints."""
        printed = self.root / "watch.txt"
        with printed.open("w") as file:
            process = subprocess.Popen(
                self.command("watch"), cwd=self.root, env=self._environment, stdout=file,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            yield printed
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait()


def measure() -> Iterator[Figure]:
    """Yield the seconds of each step of the loop."""
    with tempfile.TemporaryDirectory() as folder:
        copy = _Copy(Path(folder).resolve() / "copy")
        copy.run("local_cloud", "up")
        try:
            yield from _of_checks(copy)
            yield from _of_deployments(copy)
            yield from _of_watching(copy)
        finally:
            copy.run("local_cloud", "down")


def _of_checks(copy: _Copy) -> Iterator[Figure]:
    def check() -> None:
        copy.run("checks.check")

    yield Figure("make check, nothing known yet", seconds(check), "s", (_AT_MOST, 10))
    yield Figure("make check, nothing changed", seconds(check), "s", (_AT_MOST, 0.3))
    copy.edit(_code())
    yield Figure("make check, a module changed", seconds(check), "s", (_AT_MOST, 3))


def _of_deployments(copy: _Copy) -> Iterator[Figure]:
    def deploy() -> None:
        copy.run("deployment.deploy")

    first = seconds(deploy)
    yield Figure("make deploy, the first one", first, "s")
    unchanged = seconds(deploy)
    note = f"{unchanged / first:.2f} of the first one"
    yield Figure("make deploy, nothing changed", unchanged, "s", (_AT_MOST, 4), note)
    copy.edit(_code())
    changed = seconds(deploy)
    note = f"{changed / first:.2f} of the first one"
    yield Figure("make deploy, a handler changed", changed, "s", (_AT_MOST, 8), note)


def _of_watching(copy: _Copy) -> Iterator[Figure]:
    edits = {
        "handler": (_code(), 3),
        "definition": (next(iter(outline.definitions().values())), 4),
        "scenario": (turns.named("")[0].with_suffix(".toml"), 3),
        "template": (outline.TEMPLATE, 12),
    }
    with copy.watched() as printed:
        _wait_for(printed, 1)
        for count, (what, (file, most)) in enumerate(edits.items(), 2):
            begun = time.perf_counter()
            copy.edit(file)
            _wait_for(printed, count)
            took = time.perf_counter() - begun
            yield Figure(f"make watch, from edit to result: {what}", took, "s", (_AT_MOST, most))
        if "differ 0" not in printed.read_text() or "DIFFERS" in printed.read_text():
            raise UserError(f"the replay of make watch differs: {printed.read_text()[-2000:]}")


def _wait_for(printed: Path, count: int) -> None:
    """Wait until it has waited for a save so often."""
    wait_until(
        lambda: printed.read_text().count("waiting for a save") >= count, "a turn ends", _LONGEST
    )


def _code() -> Path:
    """Return a module that runs in a function."""
    folder = package.folder_of_all() if package.shared_by() else ROOT / "src"
    return max(folder.rglob("*.py"), key=lambda path: len(path.parts))
