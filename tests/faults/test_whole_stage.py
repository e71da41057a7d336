"""After everything that the tests did to the stage: its books, and what its functions asked for."""

import os
import subprocess
import sys

import pytest

from tools.permissions import asked
from tools.stage import ROOT


def command(module: str) -> list[str]:
    """Run a command on the stage; its lines, once it has succeeded."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        cwd=ROOT, env=os.environ | {"STAGE": "local"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.mark.usefixtures("deployed")
def test_the_books_of_the_whole_stage_are_balanced() -> None:
    assert command("tools.check_books")[-1].endswith("balanced")


@pytest.mark.usefixtures("deployed")
def test_functions_ask_for_what_is_kept_of_them_and_for_nothing_else() -> None:
    """The checks of permissions without a cloud believe what tools/permissions/asked.txt says."""
    if asked.unseen(asked.recorded()):  # this test runs by itself
        command("tools.replay")
        command("tools.rotate")
    recorded = asked.recorded()

    assert asked.refused() == []
    assert asked.unknown(recorded) == []
    assert asked.unseen(recorded) == []
