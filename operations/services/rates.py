"""The rates API's data: what the European Central Bank published on 2010-12-31, and examples.

The answers have the form of https://api.frankfurter.dev/v1, which stands for it on AWS: units of
a currency for one euro, for a day or a range of days, working days only; another day has the
rates of the working day before it. Each later working day has rates of its own, made from the
published ones: up to 4 % more, the same whenever they are asked for.
"""

import datetime
import json
from pathlib import Path
from typing import Any

_PUBLISHED = json.loads((Path(__file__).parent / "ecb_reference_rates.json").read_text())
FIRST_DAY = datetime.date.fromisoformat(_PUBLISHED["date"])


class UnknownRatesError(Exception):
    """There are no such rates."""


def answer(path: str, query: dict[str, str], today: datetime.date | None = None) -> dict[str, Any]:
    """What `GET /v1/<day>` or `GET /v1/<day>..<day>` answers; raises UnknownRatesError.

    `today` is the last day that has its rates, where it is not this day of UTC.
    """
    rates = _chosen(query.get("base", "EUR"), query.get("symbols", ""))
    first, separator, last = path.removeprefix("/v1/").partition("..")
    today = today or datetime.datetime.now(datetime.UTC).date()
    try:
        start = datetime.date.fromisoformat(first)
        end = datetime.date.fromisoformat(last) if last else today
    except ValueError:
        raise UnknownRatesError from None
    if not separator:
        return _on(min(start, today), rates)
    return _between(start, min(end, today), rates)


def _chosen(base: str, symbols: str) -> dict[str, float]:
    every: dict[str, float] = _PUBLISHED["rates"]
    wanted = [symbol for symbol in symbols.split(",") if symbol] or list(every)
    if base != _PUBLISHED["base"] or not set(wanted) <= set(every):
        raise UnknownRatesError
    return {symbol: every[symbol] for symbol in wanted}


def _on(day: datetime.date, rates: dict[str, float]) -> dict[str, Any]:
    while day.weekday() >= 5:
        day -= datetime.timedelta(days=1)
    if day < FIRST_DAY:
        raise UnknownRatesError
    return {"amount": 1.0, "base": "EUR", "date": day.isoformat(), "rates": rates_on(day, rates)}


def rates_on(day: datetime.date, published: dict[str, float]) -> dict[str, float]:
    """The rates of one working day, made from the published ones; those of FIRST_DAY are real."""
    more = (day - FIRST_DAY).days * 37 % 401 / 10_000
    return {symbol: round(rate * (1 + more), 6) for symbol, rate in published.items()}


def _between(start: datetime.date, end: datetime.date, rates: dict[str, float]) -> dict[str, Any]:
    start = max(start, FIRST_DAY)
    span = (end - start).days + 1
    days = [start + datetime.timedelta(days=number) for number in range(max(span, 0))]
    working = [day for day in days if day.weekday() < 5]
    if not working:
        raise UnknownRatesError
    return {
        "amount": 1.0,
        "base": "EUR",
        "start_date": working[0].isoformat(),
        "end_date": working[-1].isoformat(),
        "rates": {day.isoformat(): rates_on(day, rates) for day in working},
    }
