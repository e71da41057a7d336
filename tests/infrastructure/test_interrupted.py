"""A platform whose making is cut off: nothing of the state is lost, and the next run goes on."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from workbench.stages.stage import ROOT, Stage
from workbench.stages.waiting import wait_until

pytestmark = [
    pytest.mark.skipif(not shutil.which("terraform"), reason="terraform is not installed"),
    pytest.mark.xdist_group("terraform"),
]


def apply(stage: Stage) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "workbench.deployment.terraform", "apply"],
        cwd=ROOT, env=os.environ | {"STAGE": stage.name}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def terraform_of(command: int) -> int:
    """The Terraform that a command of ours runs; 0 before it does."""
    for child in psutil.Process(command).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "apply" in child.cmdline():
                return child.pid
    return 0


def noted(state: Path) -> list[Any]:
    """What Terraform's state knows of."""
    try:
        resources = json.loads(state.read_text())["resources"]
    except (OSError, ValueError):
        return []
    return [one for one in resources if one["mode"] == "managed" and one["instances"]]


def test_a_first_deployment_that_is_killed_and_one_that_is_interrupted_go_on(
    local_stage: Stage,
) -> None:
    state = local_stage.state_dir / "terraform.tfstate"
    killed = apply(local_stage)
    terraform = wait_until(lambda: terraform_of(killed.pid), "Terraform runs")
    wait_until(state.exists, "Terraform holds its state, which is empty yet")
    os.kill(terraform, signal.SIGKILL)
    said = killed.communicate(timeout=60)[1]
    assert (killed.returncode, state.read_text()) == (1, "")
    assert said == "error: terraform apply of local failed: it was ended by SIGKILL\n"

    interrupted = apply(local_stage)
    wait_until(lambda: noted(state), "Terraform has made something", 120)
    interrupted.send_signal(signal.SIGTERM)
    said = interrupted.communicate(timeout=120)[1]
    assert (interrupted.returncode, said) == (
        130, "interrupted; the same command again goes on from here\n"
    )  # fmt: skip
    kept = noted(state)
    assert kept

    again = apply(local_stage)
    said = "".join(again.communicate(timeout=180))
    assert again.returncode == 0, said
    assert len(noted(state)) > len(kept)
