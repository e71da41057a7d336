"""What each line of a function's log says about whom it concerns."""

import io
import json
from typing import Any

import pytest

from order_intake.errors import DatabaseUnavailable
from order_intake.handlers import decide_approval, intake_small_file, load_orders
from tests.unit.fakes import FakeCloud
from tests.unit.handlers.conftest import (
    GOOD,
    HEADER,
    Database,
    Put,
    context,
    file_id_of,
    priced,
)


def lines(logged: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in logged.getvalue().splitlines()]


def test_a_steps_lines_name_file_correlation_and_execution(
    cloud: FakeCloud, started: dict[str, Any], orders_database: Database, logged: io.StringIO
) -> None:
    payload = priced(started, cloud)
    orders_database.down(1)

    with pytest.raises(DatabaseUnavailable):
        load_orders.handler(payload | {"execution": "arn:execution:1"}, context())

    (line,) = [one for one in lines(logged) if one["message"] == "failed"]
    assert line["file_id"] == payload["file"]["file_id"]
    assert line["correlation_id"] == "event-1"
    assert line["execution"] == "arn:execution:1"


def test_without_a_workflow_the_execution_is_the_call_itself(
    cloud: FakeCloud, put: Put, orders_database: Database, rates: list[Exception],
    logged: io.StringIO,
) -> None:  # fmt: skip
    intake_small_file.handler(put(HEADER + GOOD), context("request-7"))

    written = lines(logged)
    assert written
    assert {one["execution"] for one in written} == {"request-7"}
    assert {one["correlation_id"] for one in written} == {"event-1"}


def test_a_decision_is_logged_with_the_execution_that_it_is_about(
    cloud: FakeCloud, put: Put, orders_database: Database, rates: list[Exception],
    logged: io.StringIO,
) -> None:  # fmt: skip
    event = put(HEADER + GOOD)
    intake_small_file.handler(event, context("request-8"))
    detail = {
        "schema_version": "1.0",
        "file_id": file_id_of(event),
        "decision": "approved",
        "decided_by": "ana",
    }
    decision = {
        "source": "order-intake.operators",
        "detail-type": "ApprovalDecided",
        "detail": detail,
    }

    decide_approval.handler(decision, context("request-9"))

    (line,) = [one for one in lines(logged) if one["message"] == "decision"]
    assert (line["execution"], line["correlation_id"]) == ("request-8", "event-1")
