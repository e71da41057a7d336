"""events/ is whole: everything that can happen has its expected outcome, and it fits the rest."""

import json
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from operations.deployed import Deployed
from operations.files import order_file as files
from operations.files.order_file import FINAL, Uploaded
from operations.scenarios.fresh import order_numbers
from operations.scenarios.uploads import Upload, UploadOutcome
from order_intake.adapters import ledger
from order_intake.domain import errors, lines, outcomes, partners, uploads
from order_intake.domain.chunks import FileReason
from tests.template import resources
from workbench.replay.kinds.bus_events import BusEvent
from workbench.replay.kinds.schedules import ScheduledCall
from workbench.replay.scenarios import EVENTS, find_scenarios
from workbench.stages.stage import Stage

SCENARIOS = find_scenarios([EVENTS])
UPLOADS = [one for one in SCENARIOS if isinstance(one, Upload)]
BUS_EVENTS = [one for one in SCENARIOS if isinstance(one, BusEvent)]
# Why a file Failed: our errors, and Lambda's word for a function that was killed.
ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
BESIDES = {"README.md", ".gitattributes"}
DETAILS: dict[str, Any] = {
    "ApprovalRequested": outcomes.ApprovalRequested,
    "ApprovalDecided": outcomes.ApprovalDecided,
    "ReconciliationFinding": outcomes.ReconciliationFinding,
}
RULES = set(resources("AWS::Events::Rule"))


def ids(things: list[Any]) -> list[str]:
    return [one.name for one in things]


def test_every_file_is_part_of_a_scenario() -> None:
    known = {one.path for one in SCENARIOS} | {one.path.with_suffix(".toml") for one in SCENARIOS}
    known |= {one.earlier_path for one in UPLOADS}
    files = {path for path in EVENTS.rglob("*") if path.is_file() and path.name not in BESIDES}
    # Most calls of functions are for `make sam-local`: see test_fixtures.py.
    calls = {path for path in files if path.is_relative_to(EVENTS / "functions")}

    # Asked about by `make routes`, and what events look like: see test_schemas.py.
    others = {path for path in files if path.relative_to(EVENTS).parts[0] in ("aws", "schemas")}

    assert files - calls - others == known - calls


def test_every_partner_has_an_upload_and_every_upload_a_partner() -> None:
    known = {one.partner for one in UPLOADS if one.expect.reason != "unknown_partner"}

    assert known == set(partners.partner_names())


def test_every_rule_takes_something_and_no_other_has_expectation() -> None:
    expected: set[str] = set()
    for one in SCENARIOS:
        if isinstance(one, Upload | BusEvent):
            expected |= set(one.expect.rules)

    assert expected == RULES


def test_every_outcome_of_a_file_has_expectation() -> None:
    assert {one.expect.outcome for one in UPLOADS} == FINAL


def test_no_two_uploads_have_the_same_content() -> None:
    contents = Counter(content for one in UPLOADS for content in {one.content, one.earlier_content})

    assert [content[:80] for content, times in contents.items() if times > 1] == []


def test_no_two_uploads_of_a_partner_have_an_order_in_common() -> None:
    """Who sends two of them with `make send` would be asked about the second one."""
    files = {
        (one.partner, one.path): order_numbers(one.content, one.partner)
        | order_numbers(one.earlier_content, one.partner)
        for one in UPLOADS
    }
    shared = [
        f"{path.name} and {other.name}: {', '.join(sorted(orders & others))}"
        for ((partner, path), orders), ((other_partner, other), others) in combinations(
            files.items(), 2
        )
        if partner == other_partner and orders & others
    ]

    assert shared == []


@pytest.mark.parametrize("upload", UPLOADS, ids=ids(UPLOADS))
def test_what_has_expectation_of_an_upload_is_consistent(upload: Upload) -> None:
    expect = upload.expect
    reasons = set(get_args(FileReason)) | {
        None,
        "approval_declined",
        "approval_timed_out",
        "orders_declined",
    }
    reasons |= ERRORS

    assert expect.reason in reasons
    assert set(expect.refused) <= set(get_args(lines.LineReason))
    if expect.lines_in is not None and expect.accepted is not None:
        assert expect.lines_in == expect.accepted + sum(expect.refused.values())
    if expect.outcome == "Accepted":
        assert expect.accepted is not None
        assert expect.curated_lines == expect.accepted - expect.left_out
    assert (expect.error is not None) == (
        expect.route == "workflow" and expect.outcome in ("Rejected", "Declined", "Failed")
    )
    assert ("ApprovalRequested" in expect.events) == (upload.file.decision is not None)


def test_the_real_file_has_expectation_as_its_source_counts_it() -> None:
    real = next(one for one in UPLOADS if one.name == "online_retail_real_file").expect

    assert real == UploadOutcome(
        rules=("LargeFileUploaded", "ApprovalRequested", "ApprovalDecided", "OutcomeAnnounced"),
        route="workflow",
        outcome="Accepted",
        lines_in=10_000,
        accepted=9_954,
        refused={"price_not_positive": 46},
        orders=467,
        total="180667.75",
        currency="GBP",
        house_total="209899.47",
        curated_lines=9_954,
        quarantine=True,
        loaded=True,
        events=("ApprovalRequested", "OrderFileAccepted"),
    )


@pytest.mark.parametrize("event", BUS_EVENTS, ids=ids(BUS_EVENTS))
def test_a_bus_event_has_the_envelope_and_the_detail_of_its_kind(event: BusEvent) -> None:
    reported = json.loads(event.path.read_text())

    envelope = {"version", "id", "detail-type", "source", "account", "time", "region"}
    assert set(reported) == envelope | {"resources", "detail"}
    if reported["source"] == "aws.s3":
        uploads.upload_of(reported)
        return
    if reported["source"] == "aws.states":
        return
    if event.expect.dead_letter or reported["detail-type"] == "OrderFileArchived":
        return  # no event of ours, or none that this version knows
    if reported["detail"]["schema_version"].startswith("1."):
        return  # of an earlier version: see test_consumers.py
    kind = DETAILS.get(reported["detail-type"], outcomes.Outcome)
    msgspec.convert(reported["detail"], kind)
    assert set(reported["detail"]) == {field.name for field in msgspec.structs.fields(kind)}


def test_every_kind_of_event_of_the_orders_bus_is_there() -> None:
    reported = {
        json.loads(one.path.read_text())["detail-type"] for one in BUS_EVENTS if one.bus == "orders"
    } - {"OrderFileArchived"}  # nobody's, on purpose

    assert reported == {f"OrderFile{outcome}" for outcome in FINAL} | set(DETAILS)


def test_a_scheduled_call_is_what_its_schedule_sends() -> None:
    calls = [one for one in SCENARIOS if isinstance(one, ScheduledCall)]

    for call in calls:
        schedule = resources()[f"{call.schedule}Schedule"]["Properties"]
        assert schedule["Name"]["Fn::Sub"].endswith(f"-{call.schedule}")
        assert call.path.parent.name == call.schedule
        sent = json.loads(schedule["Target"]["Input"])
        assert set(json.loads(call.path.read_text())) == set(sent)
    assert calls


def test_commands_and_functions_know_files_alike() -> None:
    uploaded = Uploaded("bucket", "incoming/nordwind/straße.csv", "v1")

    assert uploaded.file_id == uploads.file_id(uploaded.bucket, uploaded.key, uploaded.version_id)
    assert FINAL == ledger.FINAL


@pytest.mark.parametrize("known", [{}, {"run": 3}, {"run": 2, "question": "orders"}])
def test_commands_and_functions_name_questions_alike(known: dict[str, Any]) -> None:
    row: dict[str, Any] = {"file_id": "f1", "status": "AwaitingApproval", "claimed_by": "e"} | known
    texts = ("partner", "bucket", "key", "version_id", "uploaded_at", "correlation_id")
    whole = row | dict.fromkeys(texts, "x") | {"size": 1, "route": "workflow"}

    assert files.question_of(row) == msgspec.convert(whole, ledger.FileRow).question_id


def test_what_send_asks_the_rules_about_is_an_upload_as_s3_tells_it() -> None:
    event = Deployed(Stage("local"), "000000000000").upload_event("incoming/nordwind/a.csv", 7)
    event["detail"]["object"]["version-id"] = "v1"

    assert uploads.upload_of(event).size == 7


def test_the_real_files_source_and_licence_lie_beside_it() -> None:
    beside = (Path(EVENTS) / "uploads" / "README.md").read_text()

    assert "10.24432/C5BW33" in beside
    assert "CC BY 4.0" in beside
