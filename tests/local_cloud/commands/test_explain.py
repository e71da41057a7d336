"""`make explain`: which rules take an event, and which field keeps another from matching it."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from operations.deployed import Deployed
from tests.local_cloud.emulator import Emulator
from workbench.replay.probe import remove_all_versions
from workbench.routes.explain import ask, lines
from workbench.routes.fields import mismatches
from workbench.routes.named import Named, named
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT

EVENT: dict[str, Any] = {
    "id": "e1",
    "source": "parcels",
    "detail-type": "ParcelSorted",
    "account": "000000000000",
    "region": "eu-central-1",
    "time": "2026-11-23T12:00:00Z",
    "resources": [],
    "detail": {"grams": 20, "size": "20", "place": "Hof", "labels": [{"a": 1, "b": 2}]},
}

WORDS = [
    ({"source": ["parcels"]}, []),
    ({"source": ["Parcels"]}, ['source is "parcels"; the rule wants "Parcels" (only upper and']),
    ({"detail": {"grams": ["20"]}}, ['detail.grams is 20; the rule wants "20" (the value is a nu']),
    (
        {"detail": {"size": [{"numeric": [">", 5, "<=", 50]}]}},
        ['detail.size is "20"; the rule wants a number > 5 and <= 50 (the value is a text, not a'],
    ),
    (
        {"detail": {"place": [{"prefix": "B"}, {"suffix": "burg"}], "grams": [{"exists": False}]}},
        [
            'detail.place is "Hof"; the rule wants a text that begins with "B" or a text that ends',
            "detail.grams is 20; the rule wants that it is not there",
        ],
    ),
    (
        {"detail": {"colour": ["red", "blue"], "place": [{"anything-but": ["Hof", "Ulm"]}]}},
        [
            'detail.colour is missing; the rule wants "red" or "blue"',
            'detail.place is "Hof"; the rule wants anything but "Hof" or "Ulm"',
        ],
    ),
    (
        {"detail": {"$or": [{"place": ["Ulm"]}, {"grams": [{"numeric": [">", 99]}]}]}},
        ['detail.$or has none of the alternatives; the rule wants (place "Ulm") or (grams a numb'],
    ),
]


@pytest.mark.parametrize(("pattern", "expected"), WORDS)
def test_what_keeps_an_event_from_matching_is_said_in_words(
    cloud: Emulator, pattern: dict[str, Any], expected: list[str]
) -> None:
    def matches(asked: dict[str, Any]) -> bool:
        answer = cloud.client("events").test_event_pattern(
            EventPattern=json.dumps(asked), Event=json.dumps(EVENT)
        )
        return bool(answer["Result"])

    said = mismatches(pattern, EVENT, matches)

    assert len(said) == len(expected)
    for line, start in zip(said, expected, strict=True):
        assert line.startswith(start)


def explained(deployed: Deployed, event: Named) -> list[str]:
    return list(lines(deployed, event, list(ask(deployed, event.event))))


def test_a_scenarios_event_is_explained_rule_by_rule(deployed: Deployed) -> None:
    said = explained(deployed, named(deployed, "small_valid_file"))

    assert said[0].endswith("Object Created from aws.s3; it arrives on the bus default")
    assert "  SmallFileUploaded            matches" in said
    assert "      → function IntakeSmallFile" in said
    large = said.index("  LargeFileUploaded            does not match")
    assert said[large + 1].endswith("the rule wants a number >= 65536")
    assert "bus orders (the event does not arrive here)" in said


def test_an_entry_of_put_events_is_an_event_of_its_bus(deployed: Deployed, tmp_path: Path) -> None:
    entry = {
        "EventBusName": deployed.orders_bus,
        "Source": "order-intake",
        "DetailType": "OrderFileaccepted",
        "Detail": "{}",
    }
    file = tmp_path / "entry.json"
    file.write_text(json.dumps([entry]))

    said = explained(deployed, named(deployed, str(file)))

    assert "arrives on the bus orders" in said[0]
    assert any("(only upper and lower case differ)" in line for line in said)
    assert said[-1].startswith("  nothing: no rule that is on takes it there")


def test_an_object_that_was_put_beside_is_explained(deployed: Deployed) -> None:
    client, key = deployed.stage.client("s3"), f"outgoing/{uuid.uuid4().hex}.csv"
    client.put_object(Bucket=deployed.bucket, Key=key, Body=b"x")
    try:
        said = explained(deployed, named(deployed, key))
    finally:
        remove_all_versions(deployed, deployed.bucket, key)

    wanted = f'detail.object.key is "{key}"; the rule wants a text that begins with "incoming/"'
    assert f"      {wanted}" in said
    assert said[-1] == "  nothing: no rule that is on takes it there"


def test_a_dead_letter_about_the_event_is_found_and_stays(
    deployed: Deployed, tmp_path: Path
) -> None:
    queues, event = deployed.stage.client("sqs"), EVENT | {"id": str(uuid.uuid4())}
    event |= {"source": "aws.states", "detail-type": "Step Functions Execution Status Change"}
    machine = deployed.arn("states", f"stateMachine:{deployed.stage.prefix}-OrderIntake")
    event["detail"] = {"stateMachineArn": machine, "status": "TIMED_OUT"}
    file, url = tmp_path / "event.json", next(iter(deployed.dead_letter_queues))
    file.write_text(json.dumps(event))
    attributes = {
        name: {"DataType": "String", "StringValue": value}
        for name, value in {"ERROR_CODE": "NO_PERMISSIONS", "RULE_ARN": "a:rule/TheRule"}.items()
    }
    sent = queues.send_message(
        QueueUrl=url, MessageBody=json.dumps(event), MessageAttributes=attributes
    )
    try:
        for _ in range(2):
            said = explained(deployed, named(deployed, str(file)))
            assert said[-1].endswith(
                "holds it: the rule TheRule could not deliver it: NO_PERMISSIONS"
            )
    finally:
        _remove(queues, url, sent["MessageId"])


def _remove(queues: Any, url: str, message_id: str) -> None:
    for _ in range(20):
        got = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        for message in got.get("Messages", []):
            if message["MessageId"] == message_id:
                queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                return


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x: 1", "is not an event, which is JSON"),
        ('{"source": "a"}', "it has no detail-type"),
        ('"text"', "write a JSON object"),
    ],
)
def test_what_is_not_an_event_is_one_clear_line(
    deployed: Deployed, tmp_path: Path, text: str, problem: str
) -> None:
    file = tmp_path / "event.json"
    file.write_text(text)

    with pytest.raises(UserError, match=problem):
        named(deployed, str(file))


@pytest.mark.usefixtures("deployed")
def test_a_misspelt_scenario_is_shown_the_nearest() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workbench.routes.explain"],
        cwd=ROOT, env=os.environ | {"STAGE": "local", "EVENT": "smal_valid_file"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: EVENT=smal_valid_file is not a file, a scenario of events/ or an object's key; "
        "did you mean small_valid_file"
    )
    assert done.stderr.count("\n") == 1
