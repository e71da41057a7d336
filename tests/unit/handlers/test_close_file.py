"""CloseFile: the last word about a file that was declined, or that could not be finished."""

from typing import Any

import pytest

from order_intake.adapters.ledger import ClosedOtherwise
from order_intake.domain.errors import InvalidInput, ServiceBusy
from order_intake.handlers import register_file, request_approval
from order_intake.handlers.close_file import handler
from tests.unit.fakes import FakeCloud, client_error
from tests.unit.handlers.conftest import context, priced, registered

EXECUTION = "execution-1"


def closing(file: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the workflow hands in before anything is known of the file's lines."""
    known: dict[str, Any] = {"file": file, "execution": "name-1", "claimant": EXECUTION}
    known |= {"outcome": "Failed", "reason": "RatesRefused", "explanation": None}
    return known | {"totals": None, "approval": None} | more


def test_a_failed_file_says_why_and_can_be_claimed_again(
    cloud: FakeCloud, started: dict[str, Any]
) -> None:
    done = priced(started, cloud)
    payload = closing(done["file"], totals=done["totals"])

    answer: Any = handler(payload, context())

    detail = answer["announcement"]["detail"]
    assert answer["announcement"]["detail_type"] == "OrderFileFailed"
    assert (detail["reason"], detail["loaded"], detail["lines_in"]) == ("RatesRefused", False, 3)
    assert detail["explanation"] == "The history of the execution name-1 has the details."
    row = cloud.row(done["file"]["file_id"])
    assert (row["status"], row["loaded"]) == ("Failed", False)
    assert {name: row[name] for name in done["totals"]} == done["totals"]
    assert register_file.handler(started | {"claimant": "again"}, context())["status"] != "taken"


@pytest.mark.parametrize("loaded", [True, None])
def test_what_the_ledger_knows_of_the_load_stays(
    cloud: FakeCloud, started: dict[str, Any], loaded: bool | None
) -> None:
    """A load's answer may have been lost, or another run may have loaded."""
    file = registered(started)["file"]
    cloud.row(file["file_id"])["loaded"] = loaded

    answer: Any = handler(closing(file), context())

    assert answer["announcement"]["detail"]["loaded"] is loaded
    assert cloud.row(file["file_id"])["loaded"] is loaded


def test_a_declined_file_says_by_whom(cloud: FakeCloud, started: dict[str, Any]) -> None:
    done = priced(started, cloud)
    asked = {"task_token": "token-1", "timeout_seconds": 60, "execution": None}
    request_approval.handler({"file": done["file"], "totals": done["totals"]} | asked, context())
    approval = {"decision": "declined", "decided_by": "ana", "question_id": "x-1-threshold"}
    payload = closing(
        done["file"], outcome="Declined", reason="approval_declined",
        explanation="Declined by ana.", approval=approval, totals=done["totals"],
    )  # fmt: skip

    answer: Any = handler(payload, context())

    detail = answer["announcement"]["detail"]
    assert (detail["outcome"], detail["reason"]) == ("Declined", "approval_declined")
    assert (detail["decided_by"], detail["explanation"]) == ("ana", "Declined by ana.")
    assert (detail["loaded"], detail["house_total"]) == (False, done["totals"]["house_total"])
    row = cloud.row(done["file"]["file_id"])
    assert (row["status"], row["approval"]) == ("Declined", approval)
    assert "task_token" not in row


def test_the_same_again_gives_the_same(started: dict[str, Any]) -> None:
    payload = closing(registered(started)["file"])

    assert handler(payload, context()) == handler(payload, context())


def test_a_file_that_was_never_claimed_gets_its_row(
    cloud: FakeCloud, started: dict[str, Any]
) -> None:
    """RegisterFile may fail before it claims: the partner hears of the file all the same."""
    file = registered(started)["file"]
    cloud.dynamodb.items.clear()

    answer: Any = handler(closing(file), context())

    assert answer["announcement"]["detail"]["outcome"] == "Failed"
    row = cloud.row(file["file_id"])
    assert (row["status"], row["claimed_by"], row["loaded"]) == ("Failed", EXECUTION, False)
    assert {name: row[name] for name in file} == file
    assert register_file.handler(started, context())["status"] == "registered"


def test_nobody_declines_a_file_without_a_row(cloud: FakeCloud, started: dict[str, Any]) -> None:
    file = registered(started)["file"]
    cloud.dynamodb.items.clear()

    with pytest.raises(ClosedOtherwise):
        handler(closing(file, outcome="Declined"), context())


@pytest.mark.parametrize("outcome", ["Declined", "Failed"])
@pytest.mark.parametrize(
    "met",
    [
        {"status": "Registered", "claimed_by": "another"},
        {"status": "Accepted"},
        {"status": "Failed", "claimed_by": "another", "closed_at": "2026-03-02T12:00:00Z"},
        {"status": "Declined", "claimed_by": "another", "closed_at": "2026-03-02T12:00:00Z"},
    ],
)
def test_a_row_that_is_not_its_own_is_left_alone(
    cloud: FakeCloud, started: dict[str, Any], met: dict[str, Any], outcome: str
) -> None:
    file = registered(started)["file"]
    row = cloud.row(file["file_id"])
    row.update(met)
    before = dict(row)

    with pytest.raises(ClosedOtherwise):
        handler(closing(file, outcome=outcome), context())
    assert cloud.row(file["file_id"]) == before


def test_a_busy_ledger_passes(cloud: FakeCloud, started: dict[str, Any]) -> None:
    payload = closing(registered(started)["file"])
    cloud.fail("update_item", client_error("ThrottlingException"))

    with pytest.raises(ServiceBusy):
        handler(payload, context())


def test_another_outcome_is_not_its_own(started: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        handler(closing(registered(started)["file"], outcome="Accepted"), context())
