"""What each line of a function's log says about whom it concerns."""

import io
import json
from typing import Any

import pytest

from order_intake.errors import DatabaseUnavailable
from order_intake.handlers import decide_approval, intake_small_file, load_orders, register_file
from tests.unit.fakes import FakeCloud
from tests.unit.handlers.conftest import (
    GOOD,
    HEADER,
    LARGE,
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
        load_orders.handler(payload | {"execution": "name-1"}, context())

    (line,) = [one for one in lines(logged) if one["message"] == "failed"]
    assert line["file_id"] == payload["file"]["file_id"]
    assert line["correlation_id"] == "event-1"
    assert line["execution"] == "name-1"


def test_registering_names_its_execution(
    cloud: FakeCloud, started: dict[str, Any], logged: io.StringIO
) -> None:
    claimant = "arn:aws:states:eu-central-1:000000000000:execution:order-intake-test:name-1"

    register_file.handler(started | {"claimant": claimant}, context())

    (line,) = lines(logged)
    assert (line["message"], line["execution"]) == ("registered", "name-1")
    assert line["correlation_id"] == "event-1"


def test_the_direct_route_names_file_and_correlation(
    cloud: FakeCloud, put: Put, orders_database: Database, rates: list[Exception],
    logged: io.StringIO,
) -> None:  # fmt: skip
    event = put(HEADER + GOOD)

    intake_small_file.handler(event, context())
    intake_small_file.handler(event, context("another"))

    written = lines(logged)
    assert [one["message"] for one in written] == ["outcome", "taken"]
    for one in written:
        assert (one["file_id"], one["correlation_id"]) == (file_id_of(event), "event-1")
        assert "execution" not in one


def test_a_decision_names_the_execution_that_it_is_about(
    cloud: FakeCloud, put: Put, rates: list[Exception], logged: io.StringIO
) -> None:
    event = put(HEADER + LARGE)
    intake_small_file.handler(event, context())
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

    decide_approval.handler(decision, context())

    handed_over, decided = lines(logged)
    assert (handed_over["message"], decided["message"]) == ("handed_over", "decision")
    assert decided["execution"] == handed_over["execution"]
    assert decided["correlation_id"] == "event-1"
