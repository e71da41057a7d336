"""The commands as a person uses them, and what is left when they are done."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.sam_local import engine
from workbench.sam_local.fixtures import FUNCTIONS
from workbench.stages.stage import ROOT, local_dir, running_cloud

LOAD = "events/functions/PriceChunk/chunk_with_a_refused_line.json"


def run(command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "workbench.sam_local", command],
        cwd=ROOT, env=os.environ | {"STAGE": "local"} | variables,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def listens(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((address, port)) == 0


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Afterwards: no way to the local cloud, no credentials in files, no containers."""
    yield
    assert not listens(engine.bridge().address, running_cloud()["cloud_port"])
    assert not (local_dir() / "sam-local").exists()
    assert engine.containers_with(ROOT / ".aws-sam" / "local") == []


@pytest.mark.usefixtures("nothing_left")
def test_invoke_shows_log_and_payload() -> None:
    done = run("invoke", FN="PriceChunk", EVENT=LOAD)

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"accepted": 2' in done.stdout
    assert "REPORT RequestId" in done.stdout
    assert done.stdout.splitlines()[-1] == "as expected"


@pytest.mark.usefixtures("nothing_left")
def test_a_failure_that_has_expectation_is_none() -> None:
    done = run("invoke", FN="NotifyPartner", EVENT="version_of_the_future")

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"errorType": "InvalidInput"' in done.stdout


@pytest.mark.usefixtures("nothing_left")
def test_a_failure_that_nobody_expected_is_one(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"neither": "this nor that"}))

    done = run("invoke", FN="AssessFile", EVENT=str(own))

    assert done.returncode == 1, done.stdout + done.stderr
    assert '"errorType": "InvalidInput"' in done.stdout


@pytest.mark.usefixtures("nothing_left")
def test_plain_sam_works_in_the_shell() -> None:
    event = '"$EVENTS"/PriceChunk/chunk_with_a_refused_line.json'

    done = run("shell", CMD=f"sam local invoke PriceChunk -e {event}", SHELL="/bin/sh")

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["accepted"] == 2


def test_unknown_names_are_reported_with_the_nearest() -> None:
    function = run("invoke", FN="PriceChunks", EVENT=LOAD)
    event = run("invoke", FN="PriceChunk", EVENT="events/functions/PriceChunk/refused_line.json")

    assert function.returncode == event.returncode == 1
    assert function.stderr == (
        "error: there is no function 'PriceChunks'; the nearest: PriceChunk\n"
    )
    assert event.stderr.startswith("error: there is no event ")
    assert "the nearest: chunk_with_a_refused_line" in event.stderr
    assert len(event.stderr.splitlines()) == 1


def test_a_port_that_is_taken_is_reported() -> None:
    port = running_cloud()["cloud_port"]
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((engine.bridge().address, port))
        other.listen()

        done = run("invoke", FN="PriceChunk", EVENT=LOAD)

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {engine.bridge().address}:{port} is taken")


def test_another_stage_is_refused() -> None:
    done = run("invoke", FN="PriceChunk", EVENT=LOAD, STAGE="dev")

    assert done.returncode == 1
    assert "sam remote invoke" in done.stderr


def test_without_a_local_cloud_it_says_so(tmp_path: Path) -> None:
    done = run("all", WORKBENCH_LOCAL_DIR=str(tmp_path))

    assert done.returncode == 1
    assert done.stderr == "error: the local cloud is not running; start it with: make up\n"


def test_the_fixtures_are_where_the_readme_says() -> None:
    assert (ROOT / LOAD).is_relative_to(FUNCTIONS)
    assert (ROOT / LOAD).exists()
