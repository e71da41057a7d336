"""What the functions count: files by outcome, lines, refusals by reason, ages, findings."""

import contextlib
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from order_intake import environment
from order_intake.adapters import database
from order_intake.handlers import (
    close_file,
    curate_file,
    daily_reconciliation,
    intake_small_file,
    notify_partner,
    quarantine_file,
    register_file,
)
from tests.unit.fakes import FakeCloud
from tests.unit.handlers.conftest import (
    BAD,
    GOOD,
    HEADER,
    Database,
    Put,
    context,
    priced,
    registered,
    upload_in,
)

type Counted = Callable[[], dict[str, Any]]

WHY = {"reason": "too_many_refused_lines", "explanation": "1 of 3 lines were refused"}
DAY = timedelta(days=1)
UPLOADED = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
def counted(logged: io.StringIO, capsys: pytest.CaptureFixture[str]) -> Counted:
    """Give the metrics since the last call, by name; those by reason as `RefusedLines reason`."""

    def read() -> dict[str, Any]:
        found: dict[str, Any] = {}
        for line in capsys.readouterr().out.splitlines():
            blob = msgspec.json.decode(line)
            (described,) = blob["_aws"]["CloudWatchMetrics"]
            assert described["Namespace"] == "OrderIntake"
            assert (blob["service"], blob["stage"]) == ("order-intake", "local")
            (dimensions,) = described["Dimensions"]
            assert set(dimensions) == {"service", "stage", *({"reason"} & set(blob))}
            for metric in described["Metrics"]:
                name = " ".join([metric["Name"], *([blob["reason"]] if "reason" in blob else [])])
                assert metric["Unit"] == ("Seconds" if name == "FileAge" else "Count")
                assert name not in found
                (found[name],) = blob[metric["Name"]]
        return found

    return read


def aged(started: dict[str, Any]) -> dict[str, Any]:
    """A workflow's input as if its file had come some time ago."""
    started["upload"]["uploaded_at"] = UPLOADED.isoformat(timespec="milliseconds")
    return started


def take_age(metrics: dict[str, Any]) -> float:
    """Take out the one figure that depends on the clock."""
    age: float = metrics.pop("FileAge")
    return age


def test_a_small_file_is_counted_with_its_lines_and_age(
    put: Put, orders_database: Database, rates: list[Exception], counted: Counted
) -> None:
    event = put(HEADER + GOOD * 120 + BAD) | {"time": UPLOADED.isoformat()}
    intake_small_file.handler(event, context())

    metrics = counted()
    assert 3590 <= take_age(metrics) < 7200
    assert metrics == {
        "FilesAccepted": 1,
        "LinesAccepted": 120,
        "LinesRefused": 1,
        "RefusedLines price_not_positive": 1,
    }


def test_a_curated_file_is_counted_with_its_lines_and_age(
    cloud: FakeCloud, started: dict[str, Any], counted: Counted
) -> None:
    payload = priced(aged(started), cloud) | {"loaded": True, "approval": None}
    curate_file.handler(payload, context())

    metrics = counted()
    assert 3590 <= take_age(metrics) < 7200
    assert metrics == {
        "FilesAccepted": 1,
        "LinesAccepted": 2,
        "LinesRefused": 1,
        "RefusedLines price_not_positive": 1,
    }


def test_a_rejected_files_lines_are_counted(
    cloud: FakeCloud, started: dict[str, Any], counted: Counted
) -> None:
    quarantine_file.handler(priced(aged(started), cloud) | WHY, context())

    metrics = counted()
    assert 3590 <= take_age(metrics) < 7200
    assert metrics == {
        "FilesRejected": 1,
        "LinesAccepted": 2,
        "LinesRefused": 1,
        "RefusedLines price_not_positive": 1,
    }


def test_a_file_refused_unread_has_no_lines_to_count(
    started: dict[str, Any], counted: Counted
) -> None:
    payload = {"file": registered(aged(started))["file"], "chunks": 0, "totals": None}
    quarantine_file.handler(payload | WHY, context())

    metrics = counted()
    assert take_age(metrics) >= 3590
    assert metrics == {"FilesRejected": 1}


def test_a_duplicate_is_counted(put: Put, counted: Counted) -> None:
    register_file.handler(upload_in(put(HEADER + GOOD)), context())
    assert counted() == {}
    register_file.handler(
        upload_in(put(HEADER + GOOD, "incoming/online-retail/again.csv")), context()
    )

    metrics = counted()
    take_age(metrics)
    assert metrics == {"FilesDuplicate": 1}


@pytest.mark.parametrize("outcome", ["Declined", "Failed"])
def test_a_file_that_was_not_taken_is_counted_without_its_lines(
    cloud: FakeCloud, started: dict[str, Any], counted: Counted, outcome: str
) -> None:
    done = priced(aged(started), cloud)
    payload = {"file": done["file"], "totals": done["totals"], "outcome": outcome}
    close_file.handler(payload | {"claimant": started["claimant"], "reason": "x"}, context())

    metrics = counted()
    assert 3590 <= take_age(metrics) < 7200
    assert metrics == {f"Files{outcome}": 1}


@pytest.mark.parametrize("outcome", ["Accepted", "Declined", "Failed"])
def test_an_outcome_is_counted_where_it_is_written_and_not_where_it_is_delivered(
    cloud: FakeCloud,
    started: dict[str, Any],
    counted: Counted,
    monkeypatch: pytest.MonkeyPatch,
    outcome: str,
) -> None:
    monkeypatch.setenv("PARTNER_WEBHOOK_SECRET_ARN", environment.NOT_CONFIGURED)
    payload = priced(started, cloud) | {"loaded": True, "approval": None}
    answer: Any = curate_file.handler(payload, context())
    counted()
    detail = answer["announcement"]["detail"] | {"outcome": outcome}
    event = {"source": "order-intake", "detail-type": f"OrderFile{outcome}", "detail": detail}

    notify_partner.handler(event, context())

    assert counted() == {}


def test_findings_of_the_reconciliation_are_counted(
    cloud: FakeCloud, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "connection", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(database, "loaded_files", lambda *_: {})
    daily_reconciliation.handler({}, context())
    assert counted() == {"ReconciliationFindings": 0}
    for name in ("a", "b"):
        cloud.s3.upload(f"incoming/nordwind/{name}.csv", b"x", datetime.now(UTC) - DAY)

    daily_reconciliation.handler({}, context())

    assert counted() == {"ReconciliationFindings": 2}
