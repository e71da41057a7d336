"""LoadOrders: hands the priced chunks to the database, once."""

from typing import Any

import pytest

from order_intake.errors import DatabaseUnavailable
from order_intake.handlers.load_orders import handler
from tests.unit.fakes import FakeCloud
from tests.unit.handlers.conftest import Database, context, priced


def test_a_file_is_loaded_once(
    cloud: FakeCloud, started: dict[str, Any], orders_database: Database
) -> None:
    payload = priced(started, cloud)

    assert handler(payload, context()) == {"lines": 2, "already_loaded": False}
    assert handler(payload, context()) == {"lines": 2, "already_loaded": True}


def test_an_outage_goes_up_by_its_name(
    cloud: FakeCloud, started: dict[str, Any], orders_database: Database
) -> None:
    orders_database.down(1)
    with pytest.raises(DatabaseUnavailable):
        handler(priced(started, cloud), context())
