"""Every scenario of events/, end to end on the local cloud, and the replaying itself."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import msgspec
import pytest

from operations.deployed import Deployed
from operations.scenarios import upload_play
from operations.scenarios.session import IntakeSession
from workbench.replay.kinds.bus_events import BusEvent, RulesExpected
from workbench.replay.probe import open_probe, remove_leftovers
from workbench.replay.scenarios import EVENTS, Scenario, find_scenarios
from workbench.stages.stage import ROOT

SCENARIOS = find_scenarios([])
HOLD_A_PROBE_OPEN = """
import signal, threading
from operations.deployed import Deployed
from workbench.replay.probe import open_probe
from workbench.stages.stage import Stage

signal.signal(signal.SIGTERM, signal.default_int_handler)
with open_probe(Deployed.find(Stage("local"))) as probe:
    print(probe.name, flush=True)
    threading.Event().wait()
"""


@pytest.fixture(scope="session")
def replay(deployed: Deployed) -> Iterator[IntakeSession]:
    with open_probe(deployed) as probe:
        yield IntakeSession(deployed, probe)


@pytest.fixture
def holder(deployed: Deployed) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a probe open; its first line of output is the probe's name."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_A_PROBE_OPEN], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate()
    remove_leftovers(deployed)


def is_there(deployed: Deployed, name: str) -> bool:
    """Whether a probe's queue, or any of its rules, exists."""
    queues = deployed.stage.client("sqs").list_queues(QueueNamePrefix=name).get("QueueUrls")
    rules = [
        rule
        for bus in ("default", deployed.orders_bus)
        for rule in deployed.stage.client("events").list_rules(EventBusName=bus, NamePrefix=name)[
            "Rules"
        ]
    ]
    return bool(queues or rules)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[one.name for one in SCENARIOS])
def test_it_comes_as_expected(replay: IntakeSession, scenario: Scenario) -> None:
    assert replay.play(scenario).differences == []


def test_what_comes_otherwise_is_reported(replay: IntakeSession) -> None:
    accepted = next(one for one in SCENARIOS if one.name == "order_file_accepted")
    assert isinstance(accepted, BusEvent)
    wrong = msgspec.structs.replace(accepted, expect=RulesExpected(("ApprovalRequested",)))

    assert replay.play(wrong).differences == [
        "rules: expected ApprovalRequested, got OutcomeAnnounced"
    ]


def test_an_event_that_does_not_fit_its_schema_is_reported(
    replay: IntakeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def problems(event: dict[str, object]) -> list[str]:
        return [f"{event['detail-type']}: not as released"]

    monkeypatch.setattr(upload_play, "problems", problems)
    wrong = next(one for one in SCENARIOS if one.name == "wrong_header")

    assert replay.play(wrong).differences == ["OrderFileRejected: not as released"]


def test_the_command_ends_with_its_count(deployed: Deployed) -> None:
    # A refused header claims no content: this upload and the one above do not meet.
    paths = [str(EVENTS / "bus"), str(EVENTS / "uploads" / "wrong_header.csv")]
    count = len(find_scenarios([EVENTS / "bus"])) + 1

    done = subprocess.run(
        [sys.executable, "-m", "workbench.replay", *paths, "--report"],
        cwd=ROOT, env=os.environ | {"STAGE": "local"}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert last == f"replayed {count}, as expected {count}, differ 0"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_replay_leaves_nothing_behind(
    deployed: Deployed, holder: "subprocess.Popen[str]", how: signal.Signals
) -> None:
    assert holder.stdout
    name = holder.stdout.readline().strip()
    assert is_there(deployed, name)

    holder.send_signal(how)
    holder.wait(30)

    assert not is_there(deployed, name)


def test_what_a_killed_replay_left_goes_with_the_next_one(
    deployed: Deployed, holder: "subprocess.Popen[str]"
) -> None:
    assert holder.stdout
    name = holder.stdout.readline().strip()
    remove_leftovers(deployed)
    assert is_there(deployed, name), "a running replay's probe is nobody else's to remove"

    holder.kill()
    holder.wait(30)
    remove_leftovers(deployed)

    assert not is_there(deployed, name)
