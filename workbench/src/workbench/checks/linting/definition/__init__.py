"""Validators of the rendered workflow definition that are npm's: run where Node and npm are there.

Exactly locked (`package-lock.json`, with checksums) and installed into `.venv/node`; no other part
of the project needs Node, so a machine without it leaves them out and says so.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from workbench.machine import npm
from workbench.stages.stage import ROOT

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
    return npm.install(Path(__file__).parent, FOLDER)


def validate(definition: str) -> int:
    """Check a rendered definition (a JSON file's path); 1 when anything is found, and printed."""
    return subprocess.run(["node", str(VALIDATE), definition], env=environment()).returncode


def environment() -> dict[str, str]:
    """Return the environment in which Node finds the validators."""
    return os.environ | {"NODE_PATH": str(FOLDER / "node_modules")}
