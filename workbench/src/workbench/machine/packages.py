"""Installs locked packages into a folder, for this machine's Python."""

import subprocess
import sys
from pathlib import Path

from workbench.machine.setup import ROOT, VENVS, environment_of_uv
from workbench.stages.errors import UserError


def install_into(folder: Path, requirements: Path) -> None:
    """Put the packages of a locked, hashed file into `folder`, in place of others of their names.

    Raises UserError when they cannot be had.
    """
    done = subprocess.run(
        [VENVS / "uv" / "bin" / "uv", "pip", "install", "--quiet", "--reinstall",
         "--require-hashes", "--only-binary", ":all:", "--python", sys.executable,
         "--target", folder, "-r", requirements],
        capture_output=True, text=True, cwd=ROOT, env=environment_of_uv(),
    )  # fmt: skip
    if done.returncode:
        raise UserError(
            f"the packages of {requirements.name} could not be fetched; is PyPI (or your mirror of "
            f"it) reachable? {' '.join(done.stderr.split())[-300:]}"
        )
