"""What the parts of `make check` found, kept by the content of what they read.

A part that nothing changed for is not run again, not even imported: this module and `check.py` are
all that an unchanged checkout needs, so both import next to nothing.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from workbench.application.settings import ROOT
from workbench.checks.checking.finding import Finding

FOLDER = ROOT / ".check_cache"
# Whatever a part reads: its own code, and which tools it runs.
ALWAYS = ("workbench/src/*.py", "workbench/src/*.cjs", "requirements/*.txt", "pyproject.toml")
TOOLS = ("terraform", "node")


class Contents:
    """The contents of files below the root, each read once."""

    def __init__(self) -> None:
        self._digests: dict[str, bytes] = {}
        self._always: bytes | None = None

    def mark(self, reads: Iterable[str]) -> str:
        """Return a hash of what these name: files, folders, or `folder/*.ending` however deep."""
        if self._always is None:
            tools = "".join(_tool(name) for name in TOOLS)
            self._always = self._digest(ALWAYS) + tools.encode()
        return hashlib.sha256(self._always + self._digest(reads)).hexdigest()

    def _digest(self, reads: Iterable[str]) -> bytes:
        whole = hashlib.sha256()
        for file in sorted({file for each in reads for file in _files(each)}):
            if file not in self._digests:
                data = Path(ROOT, file).read_bytes() if Path(ROOT, file).is_file() else b"none"
                self._digests[file] = hashlib.sha256(data).digest()
            whole.update(f"{file}\0".encode() + self._digests[file])
        return whole.digest()


def _tool(name: str) -> str:
    found = shutil.which(name)
    return f"{found} {Path(found).stat().st_mtime_ns}\n" if found else f"no {name}\n"


def _files(named: str) -> Iterator[str]:
    folder, star, ending = named.partition("/*")
    top = ROOT / folder
    if not top.is_dir():
        yield folder
        return
    for place, folders, files in os.walk(top):
        folders[:] = [each for each in folders if each != "__pycache__" and each[0] != "."]
        for file in files:
            if file.endswith(ending if star else ""):
                yield str(Path(place, file).relative_to(ROOT))


def read(part: str) -> dict[str, Any]:
    """Return what was kept of a part: `reads`, `mark`, `found`, perhaps more; {} for nothing."""
    try:
        kept: dict[str, Any] = json.loads((FOLDER / f"{part}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept


def keep(part: str, content: dict[str, Any]) -> None:
    """Keep it, at once or not at all; a folder that cannot be written keeps nothing."""
    with contextlib.suppress(OSError):
        FOLDER.mkdir(mode=0o700, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=FOLDER, suffix=".new", delete=False, encoding="utf-8"
        ) as new:
            json.dump(content, new)
        Path(new.name).replace(FOLDER / f"{part}.json")


def findings(kept: dict[str, Any]) -> list[Finding]:
    """Return the findings in what was kept."""
    return [Finding(**each) for each in kept["found"]]
