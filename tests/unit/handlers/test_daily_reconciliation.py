"""DailyReconciliation: what was uploaded against the ledger, the ledger against the database."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from order_intake.adapters import database
from order_intake.domain import uploads
from order_intake.domain.errors import InvalidInput
from order_intake.domain.results import Figures
from order_intake.handlers.daily_reconciliation import handler
from tests.unit.fakes import FakeCloud
from tests.unit.handlers.conftest import BUCKET, context

NOW = datetime.now(UTC)
YESTERDAY = NOW - timedelta(days=1)


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Stand in for the database: its lines by file, each of one order and one euro."""
    lines: dict[str, int] = {}

    def loaded_files(_: Any, ids: list[str]) -> dict[str, Figures]:
        found = {each: lines[each] for each in ids if each in lines}
        return {each: Figures(n, n, f"{n}.00", f"{n}.0") for each, n in found.items()}

    @contextmanager
    def connection(arn: str) -> Any:
        yield None

    monkeypatch.setattr(database, "connection", connection)
    monkeypatch.setattr(database, "loaded_files", loaded_files)
    return lines


def uploaded(cloud: FakeCloud, name: str, at: datetime, **row: Any) -> str:
    """Put an upload into the bucket and, unless `row` is empty, its row into the ledger."""
    key = name if "/" in name else f"incoming/nordwind/{name}.csv"
    file_id = uploads.file_id(BUCKET, key, cloud.s3.upload(key, b"x", at))
    if row:
        cloud.dynamodb.items[f"file#{file_id}"] = {
            "pk": f"file#{file_id}",
            "file_id": file_id,
            "partner": "nordwind",
            "bucket": BUCKET,
            "key": key,
            "version_id": "v1",
            "size": 1,
            "uploaded_at": "2026-03-02T12:00:00Z",
            "route": "direct",
            "correlation_id": "c",
            "claimed_by": "r",
            "claim_expires_at": int((NOW - timedelta(hours=1)).timestamp()),
            "attempts": 1,
            "run": 1,
            **_sums(row.get("accepted")),
            **row,
        }
    return file_id


def _sums(lines: int | None) -> dict[str, Any]:
    if lines is None:
        return {}
    amounts = {"total": f"{lines}.0", "house_total": f"{lines}.00"}
    currencies = {"currency": "EUR", "house_currency": "EUR"}
    return {"lines_in": lines, "refused": {}, "orders": lines} | amounts | currencies


def findings(cloud: FakeCloud) -> list[tuple[str, str]]:
    return [(f["kind"], f["file_id"]) for f in cloud.events.details("ReconciliationFinding")]


def test_a_file_that_reconciles_has_no_findings(cloud: FakeCloud, loaded: dict[str, int]) -> None:
    first = uploaded(cloud, "a", YESTERDAY, status="Accepted", accepted=3, loaded=True)
    uploaded(cloud, "b", YESTERDAY, status="Accepted", accepted=3, loaded=False)
    uploaded(cloud, "c", YESTERDAY, status="Rejected", accepted=2)
    uploaded(cloud, "d", YESTERDAY, status="Failed")
    loaded[first] = 3

    assert handler({}, context()) == {"uploads": 4, "findings": 0}
    assert not cloud.events.put


def test_an_upload_without_an_outcome_is_found(cloud: FakeCloud) -> None:
    lost = uploaded(cloud, "lost", YESTERDAY)
    left = uploaded(cloud, "left", YESTERDAY, status="Registered")

    assert handler({}, context()) == {"uploads": 2, "findings": 2}
    assert sorted(findings(cloud)) == sorted(
        [("upload_without_outcome", lost), ("upload_without_outcome", left)]
    )


def test_what_is_under_way_or_waits_for_a_person_is_no_finding(cloud: FakeCloud) -> None:
    later = int((NOW + timedelta(hours=1)).timestamp())
    uploaded(cloud, "a", YESTERDAY, status="AwaitingApproval", claim_expires_at=later)
    uploaded(cloud, "new", NOW - timedelta(minutes=5))
    uploaded(cloud, "old", NOW - timedelta(days=3))

    assert handler({}, context()) == {"uploads": 1, "findings": 0}


@pytest.mark.parametrize(
    "key", ["incoming/a.txt", "incoming/nordwind/2026/", "incoming/\x1b\n.csv"]
)
def test_whatever_lies_under_incoming_needs_an_outcome(cloud: FakeCloud, key: str) -> None:
    lost = uploaded(cloud, key, YESTERDAY)

    assert handler({}, context()) == {"uploads": 1, "findings": 1}
    assert findings(cloud) == [("upload_without_outcome", lost)]


@pytest.mark.parametrize(
    ("row", "there"),
    [
        ({"status": "Accepted", "accepted": 3, "loaded": True}, 2),
        ({"status": "Accepted", "accepted": 3, "loaded": True}, 0),
        ({"status": "Accepted", "accepted": 3, "loaded": True, "orders": 2}, 3),
        ({"status": "Accepted", "accepted": 3, "loaded": True, "total": "3.01"}, 3),
        ({"status": "Accepted", "accepted": 3, "loaded": True, "house_total": "2.99"}, 3),
        ({"status": "Failed"}, 3),
    ],
)
def test_a_file_that_differs_is_found(
    cloud: FakeCloud, loaded: dict[str, int], row: dict[str, Any], there: int
) -> None:
    file_id = uploaded(cloud, "a", YESTERDAY, **row)
    loaded[file_id] = there

    assert handler({}, context())["findings"] == 1
    assert findings(cloud) == [("ledger_and_database_differ", file_id)]


def test_without_a_database_the_ledger_alone_is_looked_at(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_SECRET_ARN", "none")
    uploaded(cloud, "a", YESTERDAY, status="Accepted", accepted=3, loaded=True)

    assert handler({}, context())["findings"] == 0


def test_the_window_may_be_said(cloud: FakeCloud) -> None:
    uploaded(cloud, "new", NOW - timedelta(minutes=5))
    window = {"from": (NOW - timedelta(hours=1)).isoformat(), "to": NOW.isoformat()}

    assert handler(window, context()) == {"uploads": 1, "findings": 1}


def test_the_schedules_time_counts_not_the_clocks(cloud: FakeCloud) -> None:
    uploaded(cloud, "old", NOW - timedelta(days=10))
    due = {"scheduled_at": (NOW - timedelta(days=9)).isoformat()}

    assert handler(due, context()) == {"uploads": 1, "findings": 1}


def test_a_time_that_is_none_is_invalid_input(cloud: FakeCloud) -> None:
    with pytest.raises(InvalidInput, match="yesterday"):
        handler({"from": "yesterday"}, context())


def test_many_uploads_are_looked_at_in_batches(cloud: FakeCloud) -> None:
    for n in range(1100):
        uploaded(cloud, f"f{n:04}", YESTERDAY)

    call = context()
    call.milliseconds = 900_000

    assert handler({}, call) == {"uploads": 1100, "findings": 1100}


def run_of(cloud: FakeCloud, at: datetime, **settings: int) -> list[str]:
    """A scheduled call: the keys behind which its pages began. `milliseconds` are left to it."""
    cloud.s3.listed.clear()
    call = context()
    call.milliseconds = settings.get("milliseconds", 900_000)
    handler({"scheduled_at": at.isoformat()}, call)
    return cloud.s3.listed


def test_a_call_that_is_out_of_time_goes_on_where_it_was(cloud: FakeCloud) -> None:
    lost = [uploaded(cloud, name, YESTERDAY) for name in "abc"]
    cloud.s3.page = 1

    first = list(run_of(cloud, NOW, milliseconds=100_000))
    second = list(run_of(cloud, NOW + timedelta(days=1)))

    assert first == [""]
    assert second == ["incoming/nordwind/a.csv", "incoming/nordwind/b.csv"]
    assert [file_id for _, file_id in findings(cloud)] == lost


def test_the_next_pass_looks_at_what_came_since_the_last_one(cloud: FakeCloud) -> None:
    run_of(cloud, NOW)
    # The schedule was off for two weeks.
    later = NOW + timedelta(days=14)
    lost = uploaded(cloud, "a", NOW + timedelta(days=2))
    old = uploaded(cloud, "b", NOW - timedelta(days=2))

    assert run_of(cloud, later) == [""]

    assert [file_id for _, file_id in findings(cloud)] == [lost]
    assert old not in str(findings(cloud))


def test_a_call_by_hand_leaves_the_pass_where_it_is(cloud: FakeCloud) -> None:
    uploaded(cloud, "a", YESTERDAY)
    uploaded(cloud, "b", YESTERDAY)
    cloud.s3.page = 1
    run_of(cloud, NOW, milliseconds=100_000)

    handler({"from": (NOW - timedelta(days=9)).isoformat()}, context())

    assert run_of(cloud, NOW) == ["incoming/nordwind/a.csv"]
