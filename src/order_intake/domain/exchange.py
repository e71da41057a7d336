"""Exchange rates: which days a file needs, and which rate a day has."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from order_intake.domain.errors import RatesUnavailable
from order_intake.domain.partners import HOUSE_CURRENCY, Profile
from order_intake.domain.uploads import moment

LOOK_BACK_DAYS = 7
"""The ECB publishes on working days: a weekend or holiday has the last rate before it."""

_RATE = re.compile(r"[0-9]{1,7}(\.[0-9]{1,6})?")
# Between these a line's house amount keeps within the database's numeric(18,2).
_LOWEST, _HIGHEST = Decimal("0.01"), Decimal("1000000")


class Rates(msgspec.Struct, frozen=True):
    """Published rates: units of `currency` for one unit of `house_currency`, by ISO day."""

    currency: str
    house_currency: str
    rates: dict[str, str]
    """Empty when both currencies are the same."""

    def rate_on(self, day: date) -> Decimal | None:
        """Return the day's rate or the latest of the 7 days before it, None without one."""
        if self.currency == self.house_currency:
            return Decimal(1)
        for back in range(LOOK_BACK_DAYS + 1):
            if day.toordinal() <= back:
                return None
            rate = self.rates.get((day - timedelta(days=back)).isoformat())
            if rate is not None:
                return Decimal(rate)
        return None


def house_rates() -> Rates:
    """Return the rates of a partner who invoices in the house currency."""
    return Rates(HOUSE_CURRENCY, HOUSE_CURRENCY, {})


def days_needed(profile: Profile, uploaded_at: str) -> tuple[date, date] | None:
    """Return the first and the last day whose rates to fetch, None if none are needed.

    The days to look back upon are included.
    """
    if profile.currency == HOUSE_CURRENCY:
        return None
    first, last = _days_used(profile, uploaded_at)
    return first - timedelta(days=LOOK_BACK_DAYS), last


def published_rates(
    profile: Profile, uploaded_at: str, published: Mapping[str, str | Decimal]
) -> Rates:
    """Take over what the rates API answered, by ISO day.

    Raises RatesUnavailable when that is nonsense, or lacks the day that the file needs.
    """
    rates = {day: _checked(day, str(rate)) for day, rate in published.items()}
    answer = Rates(profile.currency, HOUSE_CURRENCY, rates)
    last = _days_used(profile, uploaded_at)[1]
    if answer.rate_on(last) is None:
        raise RatesUnavailable(f"no rate of {profile.currency} for {last} or the week before")
    return answer


def rate_for_all(profile: Profile, uploaded_at: str, rates: Rates) -> Decimal | None:
    """Return the one rate of all lines, None when each line has its order's day's rate.

    Raises RatesUnavailable when the one rate is missing: that is no fault of the lines.
    """
    if profile.currency != rates.currency:
        raise RatesUnavailable(f"rates of {rates.currency} for a file in {profile.currency}")
    if profile.rates_day == "order" and profile.currency != HOUSE_CURRENCY:
        return None
    day = _days_used(profile, uploaded_at)[1]
    rate = rates.rate_on(day)
    if rate is None:
        raise RatesUnavailable(f"no rate of {profile.currency} for {day} or the week before")
    return rate


def rate_for_order(
    profile: Profile, uploaded_at: str, rates: Rates, ordered_on: date
) -> Decimal | None:
    """Return the rate of an order's own day, None when the order is too old or to come.

    One day to come is let pass: the partner's clock may be ahead of UTC.
    """
    first, last = _days_used(profile, uploaded_at)
    if not first <= ordered_on <= last + timedelta(days=1):
        return None
    return rates.rate_on(ordered_on)


def _days_used(profile: Profile, uploaded_at: str) -> tuple[date, date]:
    """First and last day of which a line of the file may want the rate."""
    fixed = profile.fixed_rates_day
    if fixed is not None:
        return fixed, fixed
    uploaded = moment(uploaded_at).date()
    if profile.rates_day == "upload":
        return uploaded, uploaded
    return uploaded - timedelta(days=profile.max_order_age_days), uploaded


def _checked(day: str, rate: str) -> str:
    try:
        known = date.fromisoformat(day).isoformat() == day
    except ValueError:
        known = False
    if not known or not _RATE.fullmatch(rate) or not _LOWEST <= Decimal(rate) <= _HIGHEST:
        raise RatesUnavailable(f"the rates API's answer makes no sense: {day[:40]}: {rate[:40]}")
    return rate
