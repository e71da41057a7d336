"""FetchExchangeRates: the rates that a file's profile asks for."""

from typing import Any

import pytest

from order_intake.errors import InvalidInput, RatesUnavailable
from order_intake.handlers.fetch_exchange_rates import handler
from tests.unit.fakes import FakeCloud
from tests.unit.handlers.conftest import context

FILE = {
    "file_id": "f1",
    "bucket": "uploads",
    "key": "incoming/online-retail/a.csv",
    "version_id": "v1",
    "partner": "online-retail",
    "size": 10,
    "uploaded_at": "2026-03-02T12:00:00Z",
    "route": "workflow",
    "correlation_id": "c-1",
}


def test_the_rates_come_as_text(cloud: FakeCloud, rates: list[Exception]) -> None:
    assert handler({"file": FILE}, context()) == {
        "currency": "GBP",
        "house_currency": "EUR",
        "rates": {"2010-12-31": "0.86075"},
    }


def test_the_house_currency_needs_none_and_asks_for_none(
    cloud: FakeCloud, rates: list[Exception]
) -> None:
    rates.append(RatesUnavailable("must not be asked"))
    answer = handler({"file": FILE | {"partner": "nordwind"}}, context())

    assert answer == {"currency": "EUR", "house_currency": "EUR", "rates": {}}


def test_an_outage_goes_up_by_its_name(cloud: FakeCloud, rates: list[Exception]) -> None:
    rates.append(RatesUnavailable("down"))
    with pytest.raises(RatesUnavailable):
        handler({"file": FILE}, context())


@pytest.mark.parametrize("payload", [{}, {"file": {}}, {"file": FILE | {"size": ""}}])
def test_what_does_not_decode_is_invalid_input(cloud: FakeCloud, payload: Any) -> None:
    with pytest.raises(InvalidInput):
        handler(payload, context())
