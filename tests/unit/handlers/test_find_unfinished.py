"""FindUnfinished: what is open though nobody works on it, and outcomes without an announcement."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from order_intake.domain.errors import ServiceBusy
from order_intake.handlers.find_unfinished import handler
from tests.unit.fakes import FakeCloud, client_error
from tests.unit.handlers.conftest import MACHINE, context

NOW = datetime.now(UTC)
EXECUTION = MACHINE.replace(":stateMachine:", ":execution:") + ":e-1"
LONG_AGO = (NOW - timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%SZ")
DONE = {
    "status": "Accepted", "closed_at": LONG_AGO, "lines_in": 1, "accepted": 1, "refused": {},
    "orders": 1, "total": "1.00", "currency": "EUR", "house_total": "1.00",
    "house_currency": "EUR", "loaded": True,
}  # fmt: skip


def row(cloud: FakeCloud, file_id: str, **fields: Any) -> dict[str, Any]:
    """A row of the ledger; open, of the direct route, its claim expired for long."""
    item = {
        "pk": f"file#{file_id}",
        "file_id": file_id,
        "partner": "nordwind",
        "bucket": "uploads",
        "key": f"incoming/nordwind/{file_id}.csv",
        "version_id": "v1",
        "size": 1,
        "uploaded_at": LONG_AGO,
        "route": "direct",
        "correlation_id": "c",
        "claimed_by": "request-9",
        "claim_expires_at": int((NOW - timedelta(hours=2)).timestamp()),
        "attempts": 1,
        "status": "Registered",
        "unfinished": LONG_AGO,
        **fields,
    }
    cloud.dynamodb.items[item["pk"]] = item
    return item


def found(cloud: FakeCloud) -> list[tuple[str, str]]:
    return [(one["kind"], one["file_id"]) for one in cloud.events.details("ReconciliationFinding")]


def test_a_file_that_nobody_works_on_is_reported_whatever_its_age(cloud: FakeCloud) -> None:
    row(cloud, "f1")
    row(cloud, "f2", claimed_by=EXECUTION, route="workflow", status="AwaitingApproval")
    cloud.step_functions.status[EXECUTION] = "ABORTED"

    assert handler({}, context()) == {"files": 2, "announced": 0, "findings": 2}

    assert found(cloud) == [("upload_without_outcome", "f1"), ("upload_without_outcome", "f2")]
    # Its content is free again for whoever sends it.
    assert [cloud.row(one)["claim_expires_at"] for one in ("f1", "f2")] == [0, 0]
    assert handler({}, context())["findings"] == 2, "until somebody runs it again"


@pytest.mark.parametrize("status", ["RUNNING", "PENDING_REDRIVE"])
def test_what_an_execution_works_on_is_left_alone(cloud: FakeCloud, status: str) -> None:
    before = dict(row(cloud, "f1", claimed_by=EXECUTION, route="workflow"))
    row(cloud, "f2", claimed_by=EXECUTION, route="workflow", **DONE)
    cloud.step_functions.status[EXECUTION] = status

    assert handler({}, context()) == {"files": 2, "announced": 0, "findings": 0}

    assert not cloud.events.put
    assert cloud.row("f1") == before


def test_a_call_of_the_direct_route_may_still_come_back(cloud: FakeCloud) -> None:
    just_now = int((NOW - timedelta(minutes=50)).timestamp())
    row(cloud, "f1", claim_expires_at=just_now)
    row(cloud, "f2", claim_expires_at=just_now, **DONE)

    assert handler({}, context()) == {"files": 2, "announced": 0, "findings": 0}


@pytest.mark.parametrize(("minutes", "findings"), [(50, 0), (70, 1)])
def test_an_execution_that_was_named_must_start(
    cloud: FakeCloud, minutes: int, findings: int
) -> None:
    since = (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    row(cloud, "f1", claimed_by=EXECUTION, route="workflow", attempts=0, unfinished=since)

    assert handler({}, context())["findings"] == findings


@pytest.mark.parametrize("route", ["direct", "workflow"])
def test_an_outcome_that_was_not_announced_is_announced_once(cloud: FakeCloud, route: str) -> None:
    claimant = EXECUTION if route == "workflow" else "request-9"
    row(cloud, "f1", claimed_by=claimant, route=route, **DONE)
    cloud.step_functions.status[EXECUTION] = "FAILED"

    assert handler({}, context()) == {"files": 1, "announced": 1, "findings": 0}
    assert handler({}, context()) == {"files": 0, "announced": 0, "findings": 0}

    (reported,) = cloud.events.details("OrderFileAccepted")
    assert (reported["file_id"], reported["closed_at"]) == ("f1", LONG_AGO)
    assert cloud.row("f1")["announced"] is True


def test_only_what_is_unfinished_is_read(cloud: FakeCloud) -> None:
    for number in range(250):
        item = row(cloud, f"done-{number}", **DONE)
        del item["unfinished"]
    for number in range(250):
        row(cloud, f"open-{number}")
    cloud.dynamodb.page = 40

    assert handler({}, context()) == {"files": 250, "announced": 0, "findings": 250}


def test_an_execution_that_cannot_be_asked_about_is_asked_again(cloud: FakeCloud) -> None:
    row(cloud, "f1", claimed_by=EXECUTION, route="workflow")
    cloud.fail("describe_execution", client_error("ThrottlingException"))

    with pytest.raises(ServiceBusy):
        handler({}, context())

    assert not cloud.events.put
