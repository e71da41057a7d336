"""Runs every edge of the workflow and says which test took each: `make workflow-coverage`."""

import os
import subprocess
import sys

from workbench.deployment import source_template
from workbench.stages.errors import UserError, run
from workbench.stages.stage import ROOT, Stage
from workbench.workflow.definition import load_all

TIER = ROOT / "tests" / "workflow"
PLUGIN = "workbench.testing.edges_report"


def main() -> int:
    """Run tests/workflow with its report; pytest's exit code.

    UserError when there is no definition or no test to run, or no template to hold it against.
    """
    load_all()
    source_template.load()
    if not TIER.is_dir():
        raise UserError(
            f"there is no {TIER.relative_to(ROOT)}/; write a test there for each edge that is to "
            "be taken"
        )
    os.environ["STAGE"] = Stage("local").name  # nothing of this touches an account
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--edges", str(TIER)]
    return subprocess.run([*command, "-p", PLUGIN], cwd=ROOT).returncode


if __name__ == "__main__":
    run(main)
