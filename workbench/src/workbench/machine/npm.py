"""Packages of npm that checks use: exactly locked, with checksums, and installed below .venv/."""

import hashlib
import shutil
import subprocess
from pathlib import Path

MARK = "packages.sha256"
NAMES = ("package.json", "package-lock.json")


def install(sources: Path, folder: Path) -> str | None:
    """Install into `folder`, once, what the folder `sources` locks.

    Returns why it could not be done, in a line; None when it is there.
    """
    files = [sources / name for name in NAMES]
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    mark = folder / MARK
    if mark.exists() and mark.read_text() == wanted:
        return None
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in files:
        shutil.copy(path, folder)
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1"]
    try:
        done = subprocess.run(
            ["npm", "ci", *quiet], cwd=folder, capture_output=True, text=True, timeout=120
        )
    except FileNotFoundError:
        return "npm is not found"
    except subprocess.TimeoutExpired:
        return "npm ci did not end within two minutes; does its registry answer?"
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        return f"npm ci failed: {said[0].removeprefix('npm error ')}"
    mark.write_text(wanted)
    return None
