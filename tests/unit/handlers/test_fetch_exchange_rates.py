"""FetchExchangeRates: the rates that a file's profile asks for."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from order_intake.adapters import rates_api
from order_intake.adapters.ledger import Claimed, ClosedOtherwise, Ledger
from order_intake.domain import partners
from order_intake.domain.errors import InvalidInput, RatesUnavailable
from order_intake.domain.uploads import IncomingFile
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


@pytest.fixture
def row(cloud: FakeCloud) -> dict[str, Any]:
    """Give the file's row, as RegisterFile leaves it."""
    file = msgspec.convert(FILE, IncomingFile)
    Ledger("ledger").claim(file, "execution-1", timedelta(hours=1), datetime.now(UTC))
    return cloud.row("f1")


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> dict[str, Decimal]:
    """Give the rates that the API has now, by day."""
    now = {"2010-12-31": Decimal("0.86075")}
    monkeypatch.setattr(rates_api, "fetch", lambda *_: dict(now))
    return now


@pytest.mark.usefixtures("row")
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


def test_the_first_rates_stay_whatever_the_api_says_later(
    cloud: FakeCloud, row: dict[str, Any], published: dict[str, Decimal]
) -> None:
    first = handler({"file": FILE}, context())
    published["2010-12-31"] = Decimal("0.9")

    assert handler({"file": FILE}, context()) == first
    # Another run of the file, too.
    ledger, file = Ledger("ledger"), msgspec.convert(FILE, IncomingFile)
    ledger.close("f1", "Failed", {}, datetime.now(UTC))
    assert isinstance(
        ledger.claim(file, "execution-2", timedelta(hours=1), datetime.now(UTC)), Claimed
    )
    assert handler({"file": FILE}, context()) == first


def test_of_two_that_fetch_at_once_the_first_ones_stay(
    cloud: FakeCloud, row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Any] = []

    def slow(*_: Any) -> dict[str, Decimal]:
        monkeypatch.setattr(rates_api, "fetch", lambda *_: {"2010-12-31": Decimal("0.86075")})
        answers.append(handler({"file": FILE}, context()))
        return {"2010-12-31": Decimal("0.9")}

    monkeypatch.setattr(rates_api, "fetch", slow)

    assert handler({"file": FILE}, context()) == answers[0]


@pytest.mark.parametrize("change", [{"currency": "USD"}, {"rates_day": "2010-12-30"}])
def test_a_profile_that_was_changed_gets_its_own_rates(
    cloud: FakeCloud,
    row: dict[str, Any],
    published: dict[str, Decimal],
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, str],
) -> None:
    handler({"file": FILE}, context())
    profile = partners.load_profile("online-retail")
    assert profile
    changed = msgspec.structs.replace(profile, **change)
    monkeypatch.setattr(partners, "load_profile", lambda _: changed)
    published |= {"2010-12-30": Decimal("1.5"), "2010-12-31": Decimal("1.25")}

    answer: Any = handler({"file": FILE}, context())

    assert answer["currency"] == changed.currency
    assert answer["rates"]["2010-12-30"] == "1.5"
    assert handler({"file": FILE}, context()) == answer


def test_a_file_without_a_row_keeps_no_rates(
    cloud: FakeCloud, published: dict[str, Decimal]
) -> None:
    with pytest.raises(ClosedOtherwise, match="no such row"):
        handler({"file": FILE}, context())


def test_an_outage_goes_up_by_its_name(cloud: FakeCloud, rates: list[Exception]) -> None:
    rates.append(RatesUnavailable("down"))
    with pytest.raises(RatesUnavailable):
        handler({"file": FILE}, context())


@pytest.mark.parametrize("payload", [{}, {"file": {}}, {"file": FILE | {"size": ""}}])
def test_what_does_not_decode_is_invalid_input(cloud: FakeCloud, payload: Any) -> None:
    with pytest.raises(InvalidInput):
        handler(payload, context())
