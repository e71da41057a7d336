"""A copy of the repository that is edited and checked by `make check`, many times."""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Self

from workbench.checks.checking.finding import Finding
from workbench.mutants.copies import sources
from workbench.stages.stage import ROOT

KEPT = (
    *(".check_cache", ".mypy_cache"),
    *(".local/template", ".local/linting", ".local/terraform-validate"),
)
PROVIDERS = shutil.ignore_patterns("providers")  # Terraform links them from where it finds them


class CheckedCopy:
    """A copy of all sources, and a process that knows what `make check` finds in it.

    What is kept of the repository's own checks is taken along: only what is edited is checked.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in sources():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        for kept in KEPT:
            if (ROOT / kept).is_dir():
                with contextlib.suppress(shutil.Error):  # somebody else may write there
                    shutil.copytree(ROOT / kept, root / kept, ignore=PROVIDERS)
        (root / ".venv").symlink_to(ROOT / ".venv")
        self._log = root / ".checked.log"
        with self._log.open("wb") as log:
            self._process = self._served(log)

    def _served(self, log: IO[bytes]) -> "subprocess.Popen[str]":
        root = self.root
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "PYTEST_", "WORKBENCH_"))
        }
        return subprocess.Popen(
            [
                str(root / ".venv" / "dev" / "bin" / "python"),
                *("-m", "workbench.checks.checking.serving"),
            ],
            cwd=root, env=environment | {"STAGE": "local", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:
            process.kill()

    def findings(self) -> list[Finding]:
        """Return what `make check` finds in the copy as it is now."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the process has no pipes")
        stdin.write("\n")
        stdin.flush()
        answer = stdout.readline()
        if not answer:
            raise RuntimeError(self._log.read_text(encoding="utf-8"))
        found: list[dict[str, Any]] = json.loads(answer)
        return [Finding(**each) for each in found]

    @contextlib.contextmanager
    def edited(self, texts: Mapping[str, str]) -> Iterator[None]:
        """Give files other texts inside the block; the copy is whole again after it."""
        before = {file: (self.root / file).read_bytes() for file in texts}
        try:
            for file, text in texts.items():
                (self.root / file).write_text(text, encoding="utf-8")
            yield
        finally:
            for file, content in before.items():
                (self.root / file).write_bytes(content)
