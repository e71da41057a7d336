"""After everything that the tests did to the stage, its books are balanced."""

import os
import subprocess
import sys

import pytest

from tools.stage import ROOT


@pytest.mark.usefixtures("deployed")
def test_the_books_of_the_whole_stage_are_balanced() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.check_books"],
        cwd=ROOT, env=os.environ | {"STAGE": "local"}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith("balanced")
