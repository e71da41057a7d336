"""The rates API's data: what the European Central Bank published on one day.

The answers have the form of https://api.frankfurter.dev/v1, which stands for it on AWS: units of
a currency for one euro, for a day or a range of days, working days only; another day has the
rates of the working day before it. Every working day from the published one on has its rates.
"""

import datetime
import json
from pathlib import Path
from typing import Any

_PUBLISHED = json.loads((Path(__file__).parent / "ecb_reference_rates.json").read_text())
FIRST_DAY = datetime.date.fromisoformat(_PUBLISHED["date"])


class UnknownRatesError(Exception):
    """There are no such rates."""


def answer(path: str, query: dict[str, str]) -> dict[str, Any]:
    """What `GET /v1/<day>` or `GET /v1/<day>..<day>` answers; raises UnknownRatesError."""
    rates = _chosen(query.get("base", "EUR"), query.get("symbols", ""))
    first, separator, last = path.removeprefix("/v1/").partition("..")
    today = datetime.datetime.now(datetime.UTC).date()
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
    return {"amount": 1.0, "base": "EUR", "date": day.isoformat(), "rates": rates}


def _between(start: datetime.date, end: datetime.date, rates: dict[str, float]) -> dict[str, Any]:
    start = max(start, FIRST_DAY)
    span = (end - start).days + 1
    days = [start + datetime.timedelta(days=number) for number in range(max(span, 0))]
    working = [day.isoformat() for day in days if day.weekday() < 5]
    if not working:
        raise UnknownRatesError
    return {
        "amount": 1.0,
        "base": "EUR",
        "start_date": working[0],
        "end_date": working[-1],
        "rates": dict.fromkeys(working, rates),
    }
