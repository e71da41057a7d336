from decimal import Decimal
from typing import Any

import pytest

from operations.database.connection import LoadedFile
from operations.scenarios.outcome import Curated, decimal_text, disagreements, numbers

ROW: dict[str, Any] = {
    "status": "Accepted",
    "lines_in": Decimal(3),
    "accepted": Decimal(2),
    "refused": {"price_invalid": Decimal(1)},
    "orders": Decimal(1),
    "total": "10.50",
    "currency": "GBP",
    "house_total": "12.20",
    "loaded": True,
}
DETAIL = ROW | {"lines_in": 3, "accepted": 2, "refused": {"price_invalid": 1}, "orders": 1}
CURATED = Curated(2, Decimal("10.5000"), Decimal("12.20"))
STORED = LoadedFile((2, Decimal("10.5"), Decimal("12.20")))


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "0.00"), ("566.580", "566.58"), ("13686.715", "13686.715"), ("1000", "1000.00")],
)
def test_an_amount_is_written_in_one_way(amount: str, text: str) -> None:
    assert decimal_text(amount) == text


def test_a_row_without_sums_has_none() -> None:
    reported = numbers({"status": "Duplicate"})

    assert reported.pop("refused") == {}
    assert set(reported.values()) == {None}


def test_where_all_agree_there_is_nothing_to_tell() -> None:
    assert disagreements(ROW, DETAIL, CURATED, STORED) == []
    assert disagreements(ROW, DETAIL, CURATED, None) == []


def test_an_announcement_that_differs_from_the_ledger_is_reported() -> None:
    assert disagreements(ROW, DETAIL | {"total": "9.00"}, CURATED, None) == [
        "total: the ledger says 10.50, the event 9.00"
    ]


def test_lost_lines_are_reported() -> None:
    lost = Curated(1, Decimal("5.25"), Decimal("12.20"))

    assert disagreements(ROW, DETAIL, lost, None) == [
        "accepted: the ledger says 2, the objects under curated/ 1",
        "total: the ledger says 10.50, the objects under curated/ 5.25",
    ]


def test_a_database_with_other_sums_is_reported() -> None:
    doubled = LoadedFile((4, Decimal("21.00"), Decimal("24.40")))

    assert len(disagreements(ROW, DETAIL, CURATED, doubled)) == 3


def test_lines_of_a_file_that_was_not_accepted_must_not_be_in_the_database() -> None:
    declined = {"status": "Declined"}

    (reported,) = disagreements(declined, declined, Curated(0, Decimal(0), Decimal(0)), STORED)

    assert "not accepted" in reported
