"""The rates API's answers, right and wrong."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from order_intake.adapters import http_calls, rates_api
from order_intake.domain.errors import RatesRefused, RatesUnavailable
from tests.unit.fakes import FakeCloud

GOOD = b"""{"amount": 1.0, "base": "EUR", "start_date": "2010-12-30", "end_date": "2010-12-31",
 "rates": {"2010-12-30": {"GBP": 0.8585}, "2010-12-31": {"GBP": 0.86075}}}"""
FIRST, LAST = date(2010, 12, 24), date(2010, 12, 31)


class Api:
    """Answers with what it is given."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes] | Exception] = []
        self.calls: list[tuple[str, str]] = []

    def exchange(self, method: str, url: str, *, api_key: str) -> tuple[int, bytes]:
        self.calls.append((url, api_key))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def api(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> Api:
    fake = Api()
    monkeypatch.setattr(http_calls, "exchange", fake.exchange)
    cloud.secrets.values["arn"] = {"base_url": "https://rates.example/v1/", "api_key": "k1"}
    return fake


def fetch() -> dict[str, Decimal]:
    return rates_api.fetch("arn", "GBP", FIRST, LAST)


def test_rates_are_exact_decimals_by_day(api: Api) -> None:
    api.answers = [(200, GOOD)]

    assert fetch() == {"2010-12-30": Decimal("0.8585"), "2010-12-31": Decimal("0.86075")}
    assert api.calls == [
        ("https://rates.example/v1/2010-12-24..2010-12-31?base=EUR&symbols=GBP", "k1")
    ]


def test_days_that_were_not_asked_for_are_left_out(api: Api) -> None:
    api.answers = [(200, GOOD.replace(b"2010-12-30", b"2010-12-01"))]

    assert list(fetch()) == ["2010-12-31"]


def test_a_rotated_key_is_read_anew_once(cloud: FakeCloud, api: Api) -> None:
    api.answers = [(200, GOOD)]
    fetch()
    cloud.secrets.values["arn"]["api_key"] = "k2"
    api.answers = [(401, b""), (200, GOOD)]

    assert fetch()
    assert [key for _, key in api.calls] == ["k1", "k1", "k2"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_stays_refused_is_permanent(api: Api, status: int) -> None:
    api.answers = [(status, b"")] * 2

    with pytest.raises(RatesRefused, match=str(status)) as raised:
        fetch()
    assert "k1" not in str(raised.value)


@pytest.mark.parametrize(
    "answer",
    [
        (500, b""),
        (429, b""),
        (404, b""),
        (302, GOOD),
        http_calls.ExchangeFailed("rates.example: ReadTimeoutError"),
        (200, b"<html>maintenance</html>"),
        (200, b""),
        (200, b"[]"),
        (200, GOOD.replace(b"EUR", b"USD")),
        (200, GOOD.replace(b"GBP", b"SEK")),
        (200, GOOD.replace(b"0.86075", b"0")),
        (200, GOOD.replace(b"0.86075", b"-0.86075")),
        (200, GOOD.replace(b"0.86075", b"null")),
        (200, GOOD.replace(b"0.86075", b'"NaN"')),
        (200, GOOD.replace(b"2010-12-31", b"soon")),
    ],
)
def test_an_outage_or_nonsense_passes(api: Api, answer: Any) -> None:
    api.answers = [answer]

    with pytest.raises(RatesUnavailable):
        fetch()
