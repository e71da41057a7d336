"""Runs all tests that this machine can run: `make test`.

The tiers run from cheap to dear; tests/local_cloud needs a running, deployed local cloud, so it is
brought up first, and taken down again unless it was up before.
"""

import os
import subprocess
import sys
from collections.abc import Sequence

from tools.errors import UserError, run
from tools.stage import ROOT, Stage, running_cloud


def is_up() -> bool:
    """Whether a local cloud was running before the tests."""
    try:
        running_cloud()
    except UserError:
        return False
    return True


def python(*arguments: str) -> int:
    """Run this Python with `arguments`, for the local stage; its exit code."""
    return subprocess.run([sys.executable, *arguments], cwd=ROOT).returncode


def main(arguments: Sequence[str] = sys.argv[1:]) -> int:
    """Run the tests below `arguments` (all of tests/ without any); pytest's exit code."""
    os.environ["STAGE"] = Stage("local").name  # tests touch no account, whatever STAGE says
    was_up = is_up()
    try:
        if python("-m", "tools.local_cloud", "up") or python("-m", "tools.deploy"):
            raise UserError("the local cloud that the tests need did not come up; see above")
        return python(
            "-m", "pytest", "-n", str(os.cpu_count() or 2), "--dist", "worksteal", *arguments
        )
    finally:
        if not was_up:
            python("-m", "tools.local_cloud", "down")


if __name__ == "__main__":
    run(main)
