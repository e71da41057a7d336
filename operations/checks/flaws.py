"""Flaws of the partners' profiles, for `make mutants`."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from workbench.mutants.changes import Change, Operator, become, lost, misspelt
from workbench.mutants.flaws import DataFlaws
from workbench.mutants.places import Place

CURRENCIES = {'"EUR"': '"USD"', '"USD"': '"GBP"', '"GBP"': '"EUR"'}
DAYS = {'"order"': '"upload"', '"upload"': '"order"'}


def another_currency(places: Iterable[Place]) -> Iterator[Change]:
    """The partner's prices are taken for another currency's."""
    for place in places:
        if place.source in CURRENCIES:
            yield become(place, CURRENCIES[place.source])


def another_separator(places: Iterable[Place]) -> Iterator[Change]:
    """Another delimiter, or decimal point, than the files have."""
    for place in places:
        if place.key in ("delimiter", "decimal"):
            yield become(place, '","' if place.source != '","' else '";"')


def day_for_month(places: Iterable[Place]) -> Iterator[Change]:
    """The first of February becomes the second of January."""
    for place in places:
        if place.key == "date_format":
            yield become(place, place.source.translate(str.maketrans("dm", "md")))


def another_rates_day(places: Iterable[Place]) -> Iterator[Change]:
    """The rate of another day."""
    for place in places:
        if place.key == "rates_day":
            yield become(place, DAYS.get(place.source, '"upload"'))


def misspelt_column(places: Iterable[Place]) -> Iterator[Change]:
    """A column that no file has."""
    for place in places:
        if place.path[0] == "columns":
            yield become(place, f'"{misspelt(place.source.strip(chr(34)))}"')


def tenfold(places: Iterable[Place]) -> Iterator[Change]:
    """An amount with its point in the wrong place."""
    for place in places:
        if place.key in ("tolerance", "approval_threshold"):
            yield become(place, f'"{Decimal(place.source.strip(chr(34))) * 10}"')


def field_lost(places: Iterable[Place]) -> Iterator[Change]:
    """A setting is left to its default, or missing."""
    for place in places:
        yield from lost(place)


def misspelt_field(places: Iterable[Place]) -> Iterator[Change]:
    """A setting of a name that does not exist."""
    for place in places:
        if place.cut:
            start, new = place.cut[0], misspelt(place.key)
            what = f"{place.key} → {new}"
            yield Change(f"{place.name}#", start, start + len(place.key), new, what)


OPERATORS: dict[str, Operator] = {
    "another currency": another_currency,
    "another separator": another_separator,
    "day for month": day_for_month,
    "another day's rate": another_rates_day,
    "a misspelt column": misspelt_column,
    "an amount ten times as large": tenfold,
    "a lost field": field_lost,
    "a misspelt field": misspelt_field,
}
FLAWS = DataFlaws("profile", "src/order_intake/partners", OPERATORS)
