"""DailySettlement: what was uploaded against the ledger, the ledger against the database."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from order_intake import database, uploads
from order_intake.errors import InvalidInput
from order_intake.handlers.daily_settlement import handler
from tests.unit.fakes import FakeCloud
from tests.unit.handlers.conftest import BUCKET, context

NOW = datetime.now(UTC)
YESTERDAY = NOW - timedelta(days=1)


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Stand in for the database: its lines by file."""
    lines: dict[str, int] = {}

    @contextmanager
    def connection(arn: str) -> Any:
        yield None

    monkeypatch.setattr(database, "connection", connection)
    monkeypatch.setattr(
        database, "count_lines", lambda _, ids: {i: lines[i] for i in ids if i in lines}
    )
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
            **row,
        }
    return file_id


def findings(cloud: FakeCloud) -> list[tuple[str, str]]:
    return [(f["kind"], f["file_id"]) for f in cloud.events.details("SettlementFinding")]


def test_books_that_balance_have_no_findings(cloud: FakeCloud, loaded: dict[str, int]) -> None:
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
        ({"status": "Failed"}, 3),
    ],
)
def test_a_file_whose_books_differ_is_found(
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

    assert handler({}, context()) == {"uploads": 1100, "findings": 1100}
