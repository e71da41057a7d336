"""What each line of a function's log says about whom it concerns."""

import io
import json
from types import ModuleType
from typing import Any

import pytest

from order_intake.domain.errors import TransientError
from order_intake.handlers import (
    assess_file,
    curate_file,
    decide_approval,
    fetch_exchange_rates,
    intake_small_file,
    load_orders,
    price_chunk,
    quarantine_file,
    register_file,
    request_approval,
)
from tests.unit.fakes import FakeCloud, client_error
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


@pytest.mark.parametrize(
    ("step", "operation"),
    [
        (fetch_exchange_rates, "get_secret_value"),
        (price_chunk, "put_object"),
        (assess_file, "get_object"),
        (request_approval, "put_events"),
        (load_orders, "get_object"),
        (curate_file, "copy_object"),
        (quarantine_file, "put_object"),
    ],
)
def test_every_steps_lines_name_file_correlation_and_execution(
    cloud: FakeCloud,
    started: dict[str, Any],
    orders_database: Database,
    logged: io.StringIO,
    step: ModuleType,
    operation: str,
) -> None:
    payload = everything(started, cloud)
    cloud.fail(operation, client_error("SlowDown", 503))
    orders_database.down(1)

    with pytest.raises(TransientError):
        step.handler(payload, context())

    (line,) = [one for one in lines(logged) if one["message"] == "failed"]
    assert line["file_id"] == payload["file"]["file_id"]
    assert line["correlation_id"] == "event-1"
    assert line["execution"] == "name-1"


def everything(started: dict[str, Any], cloud: FakeCloud) -> dict[str, Any]:
    """Give a payload that every step of the workflow takes."""
    payload = priced(started, cloud)
    (manifest,) = [key for key in cloud.s3.objects("work/") if key.endswith("manifest.json")]
    (chunk,) = json.loads(cloud.s3.objects("work/")[manifest])
    return payload | {
        "execution": "name-1",
        "chunk": chunk,
        "rates": {"currency": "GBP", "house_currency": "EUR", "rates": {"2010-12-31": "0.86075"}},
        "terms": {"approval_threshold": "100000.00", "tolerance": "0.5"},
        "task_token": "token-1",
        "timeout_seconds": 3600,
        "loaded": True,
        "reason": "wrong_header",
        "explanation": "the header reads otherwise",
    }


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
        "schema_version": "2.0",
        "file_id": file_id_of(event),
        "question_id": f"{file_id_of(event)}-1-threshold",
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
