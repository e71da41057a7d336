"""Exchange rates: which days are needed, and which rate counts."""

from datetime import date
from decimal import Decimal

import pytest

from order_intake.domain.errors import RatesUnavailable
from order_intake.domain.exchange import (
    Rates,
    days_needed,
    house_rates,
    published_rates,
    rate_for_all,
    rate_for_order,
)
from tests.unit.order_files import UPLOADED_AT, profile

GBP = Rates("GBP", "EUR", {"2010-12-24": "0.85", "2010-12-31": "0.86075"})


@pytest.mark.parametrize(
    ("partner", "days"),
    [
        ("online-retail", (date(2010, 12, 24), date(2010, 12, 31))),
        ("atlas-supply", (date(2025, 12, 27), date(2026, 3, 4))),
        ("nordwind", None),
    ],
)
def test_days_needed_include_those_to_look_back_upon(
    partner: str, days: tuple[date, date] | None
) -> None:
    assert days_needed(profile(partner), UPLOADED_AT) == days


@pytest.mark.parametrize(
    ("day", "rate"),
    [
        (date(2010, 12, 23), None),
        (date(2010, 12, 24), "0.85"),
        (date(2010, 12, 30), "0.85"),
        (date(2010, 12, 31), "0.86075"),
        (date(2011, 1, 7), "0.86075"),
        (date(2011, 1, 8), None),
        (date(1, 1, 1), None),
    ],
)
def test_a_day_has_the_latest_rate_of_its_week(day: date, rate: str | None) -> None:
    assert GBP.rate_on(day) == (Decimal(rate) if rate else None)


def test_the_house_currency_needs_no_rate() -> None:
    assert house_rates().rate_on(date(2026, 3, 4)) == 1
    assert rate_for_all(profile("nordwind"), UPLOADED_AT, house_rates()) == 1


def test_a_fixed_day_is_one_rate_for_all_lines() -> None:
    assert rate_for_all(profile("online-retail"), UPLOADED_AT, GBP) == Decimal("0.86075")


@pytest.mark.parametrize(
    "rates", [Rates("GBP", "EUR", {}), Rates("GBP", "EUR", {"2010-12-23": "1"}), house_rates()]
)
def test_a_missing_rate_for_all_is_no_fault_of_the_lines(rates: Rates) -> None:
    with pytest.raises(RatesUnavailable):
        rate_for_all(profile("online-retail"), UPLOADED_AT, rates)


@pytest.mark.parametrize(
    ("ordered_on", "found"),
    [
        (date(2026, 1, 2), False),
        (date(2026, 1, 3), True),
        (date(2026, 3, 4), True),
        (date(2026, 3, 5), True),
        (date(2026, 3, 6), False),
    ],
)
def test_an_order_is_neither_too_old_nor_to_come(ordered_on: date, found: bool) -> None:
    rates = Rates("USD", "EUR", {"2026-01-02": "1.1", "2026-03-04": "1.2"})
    atlas = profile("atlas-supply")

    assert rate_for_all(atlas, UPLOADED_AT, rates) is None
    assert (rate_for_order(atlas, UPLOADED_AT, rates, ordered_on) is not None) is found


def test_published_rates_are_taken_over() -> None:
    published: dict[str, str | Decimal] = {"2010-12-30": Decimal("0.86"), "2010-12-31": "0.86075"}

    rates = published_rates(profile("online-retail"), UPLOADED_AT, published)

    assert rates == Rates("GBP", "EUR", {"2010-12-30": "0.86", "2010-12-31": "0.86075"})


@pytest.mark.parametrize(
    "published",
    [
        {},
        {"2010-12-01": "0.86"},
        {"2010-12-31": "0"},
        {"2010-12-31": "-1"},
        {"2010-12-31": "NaN"},
        {"2010-12-31": "Infinity"},
        {"2010-12-31": "1e3"},
        {"2010-12-31": "0.0000001"},
        {"2010-12-31": "0.001"},
        {"2010-12-31": "\uff19"},
        {"2010-12-31": "x" * 1000},
        {"20101231": "0.86"},
        {"2010-12-32": "0.86", "2010-12-31": "0.86"},
    ],
)
def test_a_senseless_answer_of_the_rates_api_may_pass(published: dict[str, str]) -> None:
    with pytest.raises(RatesUnavailable):
        published_rates(profile("online-retail"), UPLOADED_AT, published)
