"""What the commands say when there is nothing to work on."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.local_cloud.logs import Wanted, show_logs
from workbench.replay.scenarios import EVENTS
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT, Stage, running_cloud

FILE = str(EVENTS / "uploads" / "small_valid_file.csv")
COMMANDS = [
    ["workbench.replay", FILE],
    ["operations.commands.send", "--file", FILE, "--partner", "online-retail"],
    ["operations.commands.approve", "--file-id", "0" * 24, "--decision", "approved"],
    ["operations.commands.retry", "--file-id", "0" * 24],
    ["workbench.replay.redrive"],
    ["workbench.replay.archive", "--from", "2026-03-02", "--to", "2026-03-03"],
    ["operations.commands.rotate"],
    ["operations.commands.reconcile"],
    ["workbench.routes"],
    ["workbench.deployment.deploy"],
    ["workbench.deployment.destroy"],
    ["workbench.local_cloud", "logs"],
    ["operations.services.psql"],
]


def run(command: list[str], local: Path) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"STAGE": "local", "WORKBENCH_LOCAL_DIR": str(local)}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def name(command: list[str]) -> str:
    return " ".join(command[:2] if command[0] == "workbench.local_cloud" else command[:1])


@pytest.mark.parametrize("command", COMMANDS, ids=name)
def test_no_cloud_is_one_clear_line(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(command[0])
    if hasattr(module, "__path__"):
        module = importlib.import_module(f"{command[0]}.__main__")
    monkeypatch.setattr(sys, "argv", command)
    for setting, value in {"WORKBENCH_LOCAL_DIR": str(tmp_path), "YES": "1"}.items():
        monkeypatch.setenv(setting, value)

    with pytest.raises(UserError, match=r"^the local cloud is not running; start it"):
        module.main()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"cloud_port": "x"}'])
def test_what_is_reported_for_a_cloud_does_not_read(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_LOCAL_DIR", str(tmp_path))
    (tmp_path / "cloud.json").write_text(text)

    with pytest.raises(UserError, match="is not running; start it with: make up"):
        running_cloud()


@pytest.mark.parametrize("minutes", ["x", "-5", "1.5", "99999999999"])
def test_logs_of_no_time_are_one_clear_line(minutes: str) -> None:
    with pytest.raises(
        UserError, match=f"MINUTES={minutes} is not a whole number of at most seven"
    ):
        show_logs(Stage("local"), Wanted(), minutes)


@pytest.mark.parametrize("command", COMMANDS[:3], ids=name)
def test_a_cloud_that_died_is_one_clear_line(command: list[str], tmp_path: Path) -> None:
    # Nothing listens on the port of discard.
    cloud = {"endpoint": "http://127.0.0.1:9", "cloud_port": 9}
    (tmp_path / "cloud.json").write_text(json.dumps(cloud))

    done = run(command, tmp_path)

    assert done.returncode == 1
    assert done.stderr == "error: the local cloud is not running; start it with: make up\n"
