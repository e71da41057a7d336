"""Unpacks a function's package; what did not change since another one is linked, not made anew.

Of a package of some hundred files mostly one has changed: it alone is written and compiled.
"""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

_INDEX = ".contents.json"  # beside the files: the checksum of each in its package


def unpack(archive: zipfile.ZipFile, to: Path, before: Path | None) -> None:
    """Unpack `archive` into the empty folder `to`, and compile it; `before` is another package."""
    known = _checksums(before)
    fresh = []
    for entry in archive.infolist():
        target = to / entry.filename
        if before and known.get(entry.filename) == entry.CRC and not entry.is_dir():
            _link(before / entry.filename, target)
        else:
            archive.extract(entry, to)
            fresh.append(target)
    contents = {entry.filename: entry.CRC for entry in archive.infolist()}
    (to / _INDEX).write_text(json.dumps(contents))
    # Else a dozen workers that start at once compile the same files.
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "-j", "0", "-i", "-"],
        input="\n".join(str(file) for file in fresh if file.suffix == ".py"),
        text=True, check=False, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def _checksums(package: Path | None) -> dict[str, int]:
    try:
        found: dict[str, int] = json.loads((package / _INDEX).read_text()) if package else {}
    except (OSError, ValueError):
        return {}
    return found


def _link(old: Path, new: Path) -> None:
    """Give a file a second name, and its compiled form too; that knows it by its date."""
    new.parent.mkdir(parents=True, exist_ok=True)
    os.link(old, new)
    if old.suffix != ".py":
        return
    for compiled in (old.parent / "__pycache__").glob(f"{old.stem}.*.pyc"):
        folder = new.parent / "__pycache__"
        folder.mkdir(exist_ok=True)
        os.link(compiled, folder / compiled.name)
