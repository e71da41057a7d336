"""Validators of the rendered workflow definition that are npm's: run where Node and npm are there.

Exactly locked (`package-lock.json`, with checksums) and installed into `.venv/node`; no other part
of the project needs Node, so a machine without it leaves them out and says so.
"""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from workbench.stages.stage import ROOT

SOURCES = [Path(__file__).with_name(n) for n in ("package.json", "package-lock.json")]
VALIDATE = Path(__file__).with_name("validate.cjs")
FOLDER = ROOT / ".venv" / "node"
OLDEST = 18  # the oldest Node that the validators run on


def missing() -> str | None:
    """Why the validators cannot run here, in a line; None when they are ready, or were made so."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            return f"{program} is not found; with Node {OLDEST} or later, two more validators run"
    answer = subprocess.run(["node", "--version"], capture_output=True, text=True)
    version = re.match(r"v(\d+)\.", answer.stdout)
    if not version or int(version[1]) < OLDEST:
        said = answer.stdout.strip() or "does not say its version: it"
        return f"node {said} is too old; with Node {OLDEST} or later, two more validators run"
    return _install()


def validate(definition: str) -> int:
    """Check a rendered definition (a JSON file's path); 1 when anything is found, and printed."""
    return subprocess.run(["node", str(VALIDATE), definition], env=environment()).returncode


def environment() -> dict[str, str]:
    """Return the environment in which Node finds the validators."""
    return os.environ | {"NODE_PATH": str(FOLDER / "node_modules")}


def _install() -> str | None:
    """Install what is locked, once; why not, when npm's registry does not answer."""
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()
    mark = FOLDER / "packages.sha256"
    if mark.exists() and mark.read_text() == wanted:
        return None
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for path in SOURCES:
        shutil.copy(path, FOLDER)
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1"]
    try:
        done = subprocess.run(
            ["npm", "ci", *quiet], cwd=FOLDER, capture_output=True, text=True, timeout=120
        )
    except subprocess.TimeoutExpired:
        return "npm ci did not end within two minutes; does its registry answer?"
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        return f"npm ci failed: {said[0].removeprefix('npm error ')}"
    mark.write_text(wanted)
    return None
