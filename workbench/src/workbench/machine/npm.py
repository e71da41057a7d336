"""Packages of npm that checks use: exactly locked, with checksums, and installed below .venv/."""

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

MARK = "packages.sha256"
NAMES = ("package.json", "package-lock.json")
QUIET = ("--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1")


def install(sources: Path, folder: Path) -> str | None:
    """Install into `folder`, once, what the folder `sources` locks; several processes may ask.

    Returns why it could not be done, in a line; None when it is there.
    """
    files = [sources / name for name in NAMES]
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    if _is_there(folder, wanted):
        return None
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return None if _is_there(folder, wanted) else _install(files, folder, wanted)


def _is_there(folder: Path, wanted: str) -> bool:
    mark = folder / MARK
    return mark.exists() and mark.read_text() == wanted


def _install(files: list[Path], folder: Path, wanted: str) -> str | None:
    fresh = folder.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    for path in files:
        shutil.copy(path, fresh)
    try:
        done = subprocess.run(
            ["npm", "ci", *QUIET], cwd=fresh, capture_output=True, text=True, timeout=120
        )
    except FileNotFoundError:
        return "npm is not found"
    except subprocess.TimeoutExpired:
        return "npm ci did not end within two minutes; does its registry answer?"
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        return f"npm ci failed: {said[0].removeprefix('npm error ')}"
    (fresh / MARK).write_text(wanted)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return None
