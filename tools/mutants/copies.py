"""Copies of the repository that flaws are put into, one at a time."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from tools.mutants import checks
from tools.mutants.checks import Catch, Check
from tools.mutants.flaws import Flaw
from tools.stage import ROOT


class Copy:
    """A copy of all sources, with the environments of the original."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._time = int(time.time())
        for name in _sources():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        (root / ".venv").symlink_to(ROOT / ".venv")
        self._environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "PYTEST_", "ORDER_INTAKE_"))
        } | {"STAGE": "local", "COLUMNS": "400", "ORDER_INTAKE_LOCAL_DIR": str(root / ".local")}

    def judge(self, check: Check) -> Catch | None:
        """What a check says of the copy as it is."""
        return checks.run(check, self.root, self._environment)

    def try_out(self, flaw: Flaw) -> Catch | None:
        """Who catches a flaw; None when nobody does. The copy is whole again afterwards."""
        path = self.root / flaw.file
        whole = path.read_text(encoding="utf-8")
        self._write(path, flaw.change.applied(whole))
        try:
            caught = (self.judge(check) for check in checks.of(flaw, self.root))
            return next((catch for catch in caught if catch), None)
        finally:
            self._write(path, whole)

    def _write(self, path: Path, text: str) -> None:
        """With a time of its own: Python compiles anew what differs in size or in seconds."""
        path.write_text(text, encoding="utf-8")
        self._time += 2
        os.utime(path, (self._time, self._time))


def _sources() -> list[str]:
    """The files that git has, or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
