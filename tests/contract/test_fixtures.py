"""Every function has its fixtures, and each is what the service that calls it really sends."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from operations.deployed import uploads_bucket
from order_intake import payloads
from order_intake.domain import partners, uploads
from order_intake.handlers import (
    assess_file,
    close_file,
    curate_file,
    load_orders,
    price_chunk,
    quarantine_file,
    register_file,
    request_approval,
)
from tests.template import definition, functions, resources
from workbench.sam_local import fixtures
from workbench.sam_local.fixtures import Expect, Fixture
from workbench.stages.errors import UserError
from workbench.stages.stage import LOCAL_ACCOUNT, Stage

FIXTURES = fixtures.all_fixtures()
ENVELOPE = {"version", "id", "detail-type", "source", "account", "time", "region", "resources"}
# The functions that the workflow calls, each with the form it decodes.
TASKS: dict[str, Any] = {
    "RegisterFile": register_file.Payload,
    "FetchExchangeRates": payloads.Step,
    "PriceChunk": price_chunk.Payload,
    "AssessFile": assess_file.Payload,
    "RequestApproval": request_approval.Payload,
    "LoadOrders": load_orders.Payload,
    "CurateFile": curate_file.Payload,
    "QuarantineFile": quarantine_file.Payload,
    "CloseFile": close_file.Payload,
}
# Whom the others are called by: the detail types that the rules of their bus let through.
CALLED_BY_EVENTS = {
    "IntakeSmallFile": ("aws.s3", {"Object Created", "Object Deleted"}),
    "DecideApproval": ("order-intake.operators", {"ApprovalDecided"}),
}
# What Lambda hands over of each message of a queue.
# https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
MESSAGE = {
    "messageId", "receiptHandle", "body", "attributes", "messageAttributes", "md5OfBody",
    "eventSource", "eventSourceARN", "awsRegion",
}  # fmt: skip
READS_A_QUEUE = {"NotifyPartner"}
SCHEDULED = {"DailyReconciliation", "FindUnfinished"}


def of(names: Any) -> list[Fixture]:
    return [one for one in FIXTURES if one.function in names]


def ids(chosen: list[Fixture]) -> list[str]:
    return [f"{one.function}-{one.name}" for one in chosen]


def states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """All states of a workflow, those of its branches and of its map included."""
    for name, state in machine["States"].items():
        yield name, state
        for inner in [*state.get("Branches", []), *filter(None, [state.get("ItemProcessor")])]:
            yield from states(inner)


def sent_by_the_workflow(function: str) -> set[str]:
    """The fields of the payload that the workflow's state sends to a function."""
    found = dict(states(definition()))
    payload = found[function]["Arguments"]["Payload"]
    # A map's state passes its item on, which the map's selector makes.
    return set(found["PriceChunks"]["ItemSelector"] if isinstance(payload, str) else payload)


def test_it_is_known_who_calls_each_function() -> None:
    # Scheduler, `make deploy`, Secrets Manager
    others = SCHEDULED | {"MigrateDatabase", "RotateDatabaseSecret"}

    assert set(TASKS) | set(CALLED_BY_EVENTS) | READS_A_QUEUE | others == set(functions())


@pytest.mark.parametrize("one", of(TASKS), ids=ids(of(TASKS)))
def test_a_task_is_called_with_what_the_workflow_sends(one: Fixture) -> None:
    assert set(one.event) == sent_by_the_workflow(one.function)
    if one.function == "RegisterFile":
        file = one.event["upload"]
        assert ":execution:" in one.event["claimant"]
    else:
        file = one.event["file"]
    assert set(file) == {field.name for field in msgspec.structs.fields(uploads.IncomingFile)}
    if "errorType" not in one.path.with_suffix(".toml").read_text():
        msgspec.convert(one.event, TASKS[one.function])


@pytest.mark.parametrize("one", of(TASKS), ids=ids(of(TASKS)))
def test_a_files_identity_is_that_of_its_upload(one: Fixture) -> None:
    file = one.event.get("upload") or one.event["file"]

    assert file["bucket"] == local_bucket()
    assert file["partner"] == uploads.partner_of(file["key"])
    assert file["uploaded_at"] == uploads.moment(file["uploaded_at"]).strftime("%Y-%m-%dT%H:%M:%SZ")
    if one.given.upload:
        assert (file["version_id"], file["file_id"]) == ("${version_id}", "${file_id}")
    else:
        known = uploads.file_id(file["bucket"], file["key"], file["version_id"])
        assert file["file_id"] == known


def local_bucket() -> str:
    return uploads_bucket(Stage("local"), LOCAL_ACCOUNT)


@pytest.mark.parametrize("one", of(CALLED_BY_EVENTS), ids=ids(of(CALLED_BY_EVENTS)))
def test_an_event_has_eventbridges_envelope(one: Fixture) -> None:
    source, kinds = CALLED_BY_EVENTS[one.function]

    assert set(one.event) == ENVELOPE | {"detail"}
    assert one.event["source"] == source
    assert one.event["detail-type"] in kinds
    assert (one.event["account"], one.event["region"]) == ("000000000000", "eu-central-1")


@pytest.mark.parametrize("function", sorted(READS_A_QUEUE))
def test_a_batch_is_what_lambda_takes_out_of_the_queue(function: str) -> None:
    batches = [one.event["Records"] for one in of({function}) if "Records" in one.event]
    assert batches
    for message in itertools.chain(*batches):
        assert set(message) == MESSAGE
        assert message["eventSourceARN"].endswith(":order-intake-local-outcomes")
        reported = json.loads(message["body"])
        assert set(reported) == ENVELOPE | {"detail"}
        assert (reported["source"], reported["detail-type"]) == (
            "order-intake",
            "OrderFileAccepted",
        )


def test_exactly_the_events_of_a_bus_name_their_rules() -> None:
    assert of(CALLED_BY_EVENTS) == [one for one in FIXTURES if one.rules is not None]


def test_a_scheduled_call_is_what_the_schedule_sends() -> None:
    sent = {
        frozenset(json.loads(schedule["Properties"]["Target"]["Input"]))
        for schedule in resources("AWS::Scheduler::Schedule").values()
    }

    called = [
        one for one in of(SCHEDULED) if one.function == "DailyReconciliation" or not one.fails
    ]
    assert {frozenset(one.event) for one in called} == sent


def test_a_rotation_is_called_as_secrets_manager_calls_it() -> None:
    steps = {"createSecret", "setSecret", "testSecret", "finishSecret"}

    for one in of({"RotateDatabaseSecret"}):
        assert set(one.event) == {"Step", "SecretId", "ClientRequestToken"}
        assert one.event["Step"] in steps


@pytest.mark.parametrize(
    "one", [one for one in FIXTURES if one.given.upload], ids=lambda one: one.path.stem
)
def test_what_is_uploaded_is_what_the_event_tells_of(one: Fixture) -> None:
    given = one.given.upload
    assert given
    assert uploads.partner_of(given.key) in partners.partner_names()
    text = json.dumps(one.event)
    if given.state == "new":
        assert given.key in text
        assert f'"size": {len(given.content.encode())}' in text
        assert "${version_id}" in text


def test_no_two_fixtures_share_a_files_row() -> None:
    # Each may run at any time, and takes its file's rows and objects away when it is done.
    rows = [
        one.event["file"]["file_id"]
        for one in FIXTURES
        if "file" in one.event and not one.given.upload and one.given != fixtures.Given()
    ]

    assert len(rows) == len(set(rows))


@pytest.mark.parametrize(
    ("expect", "payload", "reported"),
    [
        (Expect({"a": 1, "at": "*"}), {"a": 1, "at": "2010-12-31", "b": None}, []),
        (Expect({"a": "*"}), {"a": 0}, []),
        (Expect({"a": {"b": 1}}), {"a": {"b": 2, "c": 3}},
         ["a.b: expected 1, got 2", "a.c: expected null, got 3"]),
        (Expect({"a": 1}), {"errorType": "X", "errorMessage": "y"}, ["failed: X: y"]),
        (Expect({"a": "*"}), {"a": None}, ['a: expected "*", got null']),
        (Expect({}), None, ["payload: expected {}, got null"]),
        (Expect(error_type="X"), {"errorType": "X"}, []),
        (Expect(error_type="X"), {"errorType": "Y"}, ["expected X, got Y"]),
        (Expect(error_type="X"), {"a": 1}, ['expected X, got {"a": 1}']),
        (Expect(error_type="X"), None, ["expected X, got null"]),
    ],
)  # fmt: skip
def test_what_comes_otherwise_is_reported(
    expect: Expect, payload: Any, reported: list[str]
) -> None:
    assert fixtures.differences(expect, payload) == reported


@pytest.mark.parametrize(
    ("find", "line"),
    [
        (lambda: fixtures.find_function("pricechunk"), "the nearest: PriceChunk"),
        (lambda: fixtures.find_function("Zzz"), "there are: AssessFile, CloseFile"),
        (lambda: fixtures.find_event("PriceChunk", "chunk_with_refused.json"),
         "the nearest: chunk_with_a_refused_line"),
        (lambda: fixtures.read_event("LoadOrders", of({"PriceChunk"})[0].path),
         "is an event of PriceChunk, not of LoadOrders"),
    ],
)  # fmt: skip
def test_an_unknown_name_is_reported_with_the_nearest(find: Callable[[], Any], line: str) -> None:
    with pytest.raises(UserError, match=line):
        find()


def test_an_event_is_found_by_its_path_and_by_its_name() -> None:
    path = of({"PriceChunk"})[0].path

    assert fixtures.find_event("PriceChunk", str(path)) == path
    assert fixtures.find_event("PriceChunk", path.stem) == path
