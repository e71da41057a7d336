"""Runs every edge of the workflow and says which test took each: `make workflow-coverage`."""

import os
import subprocess
import sys

from workbench.deployment import source_template
from workbench.stages.errors import run
from workbench.stages.stage import ROOT, Stage
from workbench.workflow.definition import load_all


def main() -> int:
    """Run tests/workflow with its report; pytest's exit code.

    UserError when there is no definition to run, or no template to hold it against.
    """
    load_all()
    source_template.load()
    os.environ["STAGE"] = Stage("local").name  # nothing of this touches an account
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--edges", "tests/workflow"]
    return subprocess.run(command, cwd=ROOT).returncode


if __name__ == "__main__":
    run(main)
