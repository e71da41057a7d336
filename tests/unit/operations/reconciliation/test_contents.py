"""Lines are compared by their values; what is in the database twice is named."""

from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from operations.reconciliation.contents import NAMED, digest, repetitions

CURATED = {
    "line": "2", "invoice": "A1", "sku": "s", "description": "", "quantity": "6",
    "unit_price": "2.55", "currency": "GBP", "amount": "15.30", "rate": "0.86075",
    "house_amount": "17.78", "ordered_at": "2010-12-01T08:26:00", "customer": "",
    "country": "France", "credit_note": "f",
}  # fmt: skip
STORED = {
    "file_id": "f", "line": 2, "invoice": "A1", "sku": "s", "description": None, "quantity": 6,
    "unit_price": Decimal("2.5500"), "currency": "GBP", "amount": Decimal("15.3000"),
    "rate": Decimal("0.860750"), "house_amount": Decimal("17.78"),
    "ordered_at": datetime(2010, 12, 1, 8, 26), "customer": None, "country": "France",
    "credit_note": False, "corrects_file": None,
}  # fmt: skip


def test_both_ways_of_writing_a_line_are_the_same() -> None:
    assert digest([CURATED]) == digest([STORED])


@pytest.mark.parametrize("field", sorted(CURATED))
def test_each_field_counts(field: str) -> None:
    other = {"ordered_at": "2010-12-01T08:27:00", "credit_note": "t"}.get(field, "7")

    assert digest([CURATED | {field: other}]) != digest([STORED])


def test_two_lines_that_change_places_count() -> None:
    second = CURATED | {"line": "3"}

    assert digest([CURATED, second]) != digest([second, CURATED])


def database(contents: list[Any], orders: list[Any]) -> Any:
    return SimpleNamespace(repeated_contents=lambda: contents, repeated_orders=lambda: orders)


def test_what_is_there_twice_is_named() -> None:
    many = [(f"A{number}", ["f", "h"]) for number in range(NAMED + 1)]

    twice, orders = repetitions(database([["f", "g"]], many), None)

    assert twice == "the database has the same lines of one partner 2 times: f, g"
    assert orders.startswith(
        f"{NAMED + 1} orders are in the database from several files (f, h): A0"
    )
    assert orders.endswith(" …")


def test_of_some_files_only_theirs_are_named() -> None:
    found = database([["f", "g"]], [("A1", ["f", "h"])])

    assert len(repetitions(found, {"g"})) == 1
    assert repetitions(found, {"x"}) == []
