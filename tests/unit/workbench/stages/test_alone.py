"""Commands that change what is deployed run one at a time in a clone."""

import errno
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.stages import errors
from workbench.stages.alone import NAME, OWNER, alone
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT

HOLD = """
import sys
from workbench.stages.alone import alone
with alone("make deploy"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone's state folder; `make test` itself holds the checkout's."""
    monkeypatch.setenv("WORKBENCH_LOCAL_DIR", str(tmp_path))
    monkeypatch.delenv(OWNER, raising=False)
    return tmp_path


@pytest.fixture
def other() -> Iterator["subprocess.Popen[str]"]:
    """Another command that holds the clone."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_deployment_is_one_line_that_names_the_first(
    other: "subprocess.Popen[str]",
) -> None:
    line = (
        rf"^another deployment runs in this clone \(pid {other.pid}: make deploy, "
        r"since \d\d:\d\d:\d\d\); wait until it has ended$"
    )
    with pytest.raises(UserError, match=line), alone("make deploy"):
        pass


@pytest.mark.parametrize("end", [subprocess.Popen.kill, subprocess.Popen.terminate])
def test_however_it_ends_the_next_goes_on(
    other: "subprocess.Popen[str]", end: Callable[["subprocess.Popen[str]"], None]
) -> None:
    end(other)
    other.wait()
    with alone("make deploy"):
        pass


def test_what_a_command_starts_belongs_to_it() -> None:
    with alone("make demo"):
        with alone("make deploy"):
            pass
        done = subprocess.run(
            [sys.executable, "-c", HOLD], cwd=ROOT, input="", capture_output=True, text=True
        )
        assert (done.returncode, done.stdout) == (0, "held\n"), done.stderr
        with pytest.raises(UserError, match="another deployment runs"):
            self_made_owner()


def self_made_owner() -> None:
    """Ask as a command that another one started."""
    os.environ[OWNER] = str(os.getppid())
    with alone("make destroy"):
        pass


def test_an_owner_that_has_not_said_who_it_is_is_respected(
    other: "subprocess.Popen[str]", folder: Path
) -> None:
    (folder / NAME).write_text("")
    with pytest.raises(UserError, match=r"\(it just began\); wait"), alone("make deploy"):
        pass


@pytest.mark.parametrize(
    "module",
    ["workbench.deployment.deploy", "workbench.deployment.destroy", "operations.commands.demo"],
)
def test_the_commands_that_change_a_deployment_ask(
    module: str, other: "subprocess.Popen[str]", folder: Path
) -> None:
    (folder / "cloud.json").write_text('{"cloud_port": 9}')
    done = subprocess.run(
        [sys.executable, "-c",
         f"import sys; from tests.unit.workbench.stages.test_alone import ask; ask({module!r})"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("error: another deployment runs in this clone"), done.stderr
    assert done.stderr.count("\n") == 1


def ask(module: str) -> None:
    """Run a command as if there were a local cloud."""
    command = importlib.import_module(module)
    command.running_cloud = dict  # type: ignore[attr-defined]
    errors.run(command.main)


def test_make_down_asks(other: "subprocess.Popen[str]") -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workbench.local_cloud", "down"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, "another deployment runs" in done.stderr) == (1, True)


def test_a_full_disk_is_not_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(json, "dumps", full)
    with alone("make down"):
        pass
