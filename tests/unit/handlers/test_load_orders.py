"""LoadOrders: hands the priced chunks to the database, once."""

from typing import Any

import pytest

from order_intake.errors import DatabaseUnavailable
from order_intake.handlers.load_orders import handler
from order_intake.ledger import ClosedOtherwise
from tests.unit.fakes import FakeCloud
from tests.unit.handlers.conftest import (
    BAD,
    GOOD,
    HEADER,
    Database,
    Put,
    context,
    file_id_of,
    priced,
    upload_in,
)


def test_a_file_is_loaded_once(
    cloud: FakeCloud, started: dict[str, Any], orders_database: Database
) -> None:
    payload = priced(started, cloud)

    answer = {"status": "loaded", "lines": 2}
    assert handler(payload, context()) == answer | {"already_loaded": False}
    assert handler(payload, context()) == answer | {"already_loaded": True}
    assert cloud.row(payload["file"]["file_id"])["loaded"] is True


def test_who_lost_the_file_loads_nothing(
    cloud: FakeCloud, started: dict[str, Any], orders_database: Database
) -> None:
    payload = priced(started, cloud)
    cloud.row(payload["file"]["file_id"])["claimed_by"] = "another"

    with pytest.raises(ClosedOtherwise):
        handler(payload, context())
    assert not orders_database.lines


def test_a_content_that_went_to_another_upload_meanwhile_is_not_loaded(
    cloud: FakeCloud, started: dict[str, Any], put: Put, orders_database: Database
) -> None:
    payload = priced(started, cloud)
    file_id = payload["file"]["file_id"]
    cloud.row(file_id)["claim_expires_at"] = 0
    other = put(HEADER + GOOD * 2 + BAD, "incoming/online-retail/again.csv")
    priced(upload_in(other) | {"claimant": "execution-2"}, cloud)

    answers: list[Any] = [handler(payload, context()) for _ in range(2)]

    assert [one["status"] for one in answers] == ["duplicate"] * 2
    assert answers[0] == answers[1]
    assert answers[0]["announcement"]["detail"]["duplicate_of"] == file_id_of(other)
    assert cloud.row(file_id)["status"] == "Duplicate"
    assert not orders_database.lines


def test_an_execution_of_the_definition_before_claimants_loads_too(
    cloud: FakeCloud, started: dict[str, Any], orders_database: Database
) -> None:
    payload = priced(started, cloud)
    del payload["claimant"]

    assert handler(payload, context())["lines"] == 2


def test_an_outage_leaves_it_unknown_whether_the_file_is_loaded(
    cloud: FakeCloud, started: dict[str, Any], orders_database: Database
) -> None:
    payload = priced(started, cloud)
    assert cloud.row(payload["file"]["file_id"])["loaded"] is False
    orders_database.down(1)

    with pytest.raises(DatabaseUnavailable):
        handler(payload, context())
    assert "loaded" not in cloud.row(payload["file"]["file_id"])


def test_an_outage_goes_up_by_its_name(
    cloud: FakeCloud, started: dict[str, Any], orders_database: Database
) -> None:
    orders_database.down(1)
    with pytest.raises(DatabaseUnavailable):
        handler(priced(started, cloud), context())
