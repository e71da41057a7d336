"""Runs every edge of the workflow and says which test took each: `make edges`."""

import os
import subprocess
import sys

from tools import source_template
from tools.errors import run
from tools.stage import ROOT, Stage
from tools.workflow.definition import load


def main() -> int:
    """Run tests/workflow with its report; pytest's exit code.

    UserError when there is no definition to run, or no template to hold it against.
    """
    load()
    source_template.load()
    os.environ["STAGE"] = Stage("local").name  # nothing of this touches an account
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--edges", "tests/workflow"]
    return subprocess.run(command, cwd=ROOT).returncode


if __name__ == "__main__":
    run(main)
