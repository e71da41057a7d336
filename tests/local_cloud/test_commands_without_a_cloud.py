"""What replay, send and approve say when there is nothing to work on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.replay.situations import EVENTS
from tools.stage import ROOT

FILE = str(EVENTS / "uploads" / "small_valid_file.csv")
COMMANDS = [
    ["tools.replay", FILE],
    ["tools.send", "--file", FILE, "--partner", "online-retail"],
    ["tools.approve", "--file-id", "0" * 24, "--decision", "approved"],
]


def run(command: list[str], local: Path) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"STAGE": "local", "ORDER_INTAKE_LOCAL_DIR": str(local)}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
def test_no_cloud_is_one_clear_line(command: list[str], tmp_path: Path) -> None:
    done = run(command, tmp_path)

    assert done.returncode == 1
    assert done.stderr == "error: the local cloud is not running; start it with: make up\n"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
def test_a_cloud_that_died_is_one_clear_line(command: list[str], tmp_path: Path) -> None:
    # Nothing listens on the port of discard.
    cloud = {"endpoint": "http://127.0.0.1:9", "cloud_port": 9}
    (tmp_path / "cloud.json").write_text(json.dumps(cloud))

    done = run(command, tmp_path)

    assert done.returncode == 1
    assert done.stderr == "error: the local cloud is not running; start it with: make up\n"
