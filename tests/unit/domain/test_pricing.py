"""Pricing: exact sums, every line accounted for, and the same whatever the chunks."""

import csv
import io
import json
import tracemalloc
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from order_intake.domain.chunks import KEPT_REFUSED_LINES, Chunk
from order_intake.domain.errors import RatesUnavailable
from order_intake.domain.exchange import Rates
from order_intake.domain.pricing import PricedChunk, line_numbers, price_chunk
from order_intake.domain.results import COLUMNS
from tests.unit.order_files import (
    HEADER,
    ONLINE_RETAIL,
    RATES,
    REAL_FILE,
    UPLOADED_AT,
    assessed,
    order_line,
    priced,
    surveyed,
    written,
)

ATLAS_HEADER = b"order_date,order_id,item,item_name,units,price,account,ship_to\n"


def lines_of(chunks: list[PricedChunk]) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for chunk in chunks:
        text = io.StringIO(chunk.priced.decode(), newline="")
        reader = csv.DictReader(text, strict=True)
        assert reader.fieldnames == list(COLUMNS)
        rows += reader
    return rows


def refusals_of(chunks: list[PricedChunk]) -> list[dict[str, Any]]:
    return [json.loads(line) for chunk in chunks for line in chunk.refused.splitlines()]


def file_of(*rows: list[str]) -> bytes:
    return HEADER + written(rows)


def test_a_line_is_priced_under_the_header_of_the_table() -> None:
    [chunk] = priced(file_of(order_line()))

    assert chunk.priced.decode() == (
        "line,invoice,sku,description,quantity,unit_price,currency,amount,rate,house_amount,"
        "ordered_at,customer,country,credit_note\n"
        "2,536365,85123A,WHITE HANGING HEART,6,2.55,GBP,15.30,0.86075,17.78,"
        "2010-12-01T08:26:00,17850,United Kingdom,f\n"
    )
    assert chunk.refused == b""


@pytest.mark.parametrize("bytes_per_chunk", [None, 10_000_000, 30_000, 1])
def test_the_real_file_comes_to_its_known_sums(bytes_per_chunk: int | None) -> None:
    # Given the order lines of a real shop
    data = REAL_FILE.read_bytes()

    # When they are priced, in whatever chunks
    chunks = priced(data, bytes_per_chunk=bytes_per_chunk)

    # Then the sums are those that were worked out apart from this code
    found = assessed(chunks)
    assert found.verdict == "approve"
    totals = found.totals
    assert (totals.lines_in, totals.accepted) == (10_000, 9_954)
    assert totals.refused == {"price_not_positive": 46}
    assert totals.orders == 467
    assert (totals.total, totals.currency) == ("180667.75", "GBP")
    assert (totals.house_total, totals.house_currency) == ("209899.47", "EUR")
    assert len(lines_of(chunks)) == 9_954
    assert len(refusals_of(chunks)) == 46


@pytest.mark.parametrize(
    ("price", "house_amount"),
    [("0.0125", "0.00"), ("0.0375", "0.02"), ("0.0126", "0.01"), ("0.0374", "0.01")],
)
def test_house_amounts_are_rounded_half_even(price: str, house_amount: str) -> None:
    # 0.0125 ÷ 2.5 is half a cent, and 0.0375 ÷ 2.5 one and a half
    rates = Rates("USD", "EUR", {"2026-03-02": "2.5"})
    row = ["2026-03-02T10:00:00", "1", "s", "", "1", price, "c", ""]

    chunks = priced(ATLAS_HEADER + written([row]), "atlas-supply", rates=rates)

    assert [line["house_amount"] for line in lines_of(chunks)] == [house_amount]


def test_each_line_is_rounded_before_it_is_added() -> None:
    rates = Rates("USD", "EUR", {"2026-03-02": "2.5"})
    row = ["2026-03-02T10:00:00", "1", "s", "", "1", "0.0375", "c", ""]

    chunks = priced(ATLAS_HEADER + written([row] * 10), "atlas-supply", rates=rates)

    totals = assessed(chunks, "atlas-supply").totals
    assert (totals.total, totals.house_total) == ("0.375", "0.20")


def test_an_order_has_its_own_days_rate_or_is_refused() -> None:
    days = ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06", "2025-01-01"]
    rows = [[f"{day}T10:00:00", "1", "s", "d", "1", "10", "c", "US"] for day in days]

    chunks = priced(ATLAS_HEADER + written(rows), "atlas-supply")

    assert [line["rate"] for line in lines_of(chunks)] == ["1.25", "1.6", "1.6", "1.6"]
    assert [line["house_amount"] for line in lines_of(chunks)] == ["8.00", "6.25", "6.25", "6.25"]
    assert [(r["line"], r["reason"], r["value"]) for r in refusals_of(chunks)] == [
        (6, "date_outside_rates", "2026-03-06"),
        (7, "date_outside_rates", "2025-01-01"),
    ]


def test_a_file_in_euros_needs_no_rates() -> None:
    header = "Rechnung;Datum;Kunde;Artikel;Bezeichnung;Menge;Einzelpreis\n"
    line = 'R-1;24.12.2025;K1;A1;"Schraube; 4,5 mm";3;0.3333\n'

    chunks = priced((header + line).encode(), "nordwind")

    [found] = lines_of(chunks)
    assert found["description"] == "Schraube; 4,5 mm"
    assert (found["amount"], found["house_amount"], found["rate"]) == ("0.9999", "1.00", "1")
    assert found["country"] == ""


def test_a_missing_rate_for_all_lines_refuses_none_of_them() -> None:
    with pytest.raises(RatesUnavailable):
        priced(file_of(order_line()), rates=Rates("GBP", "EUR", {}))


def test_refused_lines_say_where_why_and_what() -> None:
    data = file_of(
        order_line(Description="two\nlines"),
        order_line(UnitPrice="1e9"),
        [],
        ["only", "three", "columns"],
        order_line(Description="x" * 1_000_000),
    )

    found = refusals_of(priced(data))

    assert [(r["line"], r["reason"], r["field"]) for r in found] == [
        (4, "price_invalid", "UnitPrice"),
        (6, "wrong_column_count", None),
        (7, "field_too_long", "Description"),
    ]
    assert found[0]["value"] == "1e9"
    assert found[0]["row"].startswith("536365,85123A,")
    assert len(found[2]["value"]) == 200
    assert len(found[2]["row"]) == 1000


@pytest.mark.parametrize(
    "text",
    ['a "quoted" word', "a,b", "a\nb", "a\r\nb", "a\rb", "", '"', "=1+1", "Grüße 世界", "\\."],
)
def test_texts_come_out_as_they_came_in(text: str) -> None:
    rows = [order_line(Description=text, Country=text or "x", StockCode=text or "x")]

    chunks = priced(file_of(*rows))

    [line] = lines_of(chunks)
    assert (line["description"], line["sku"], line["country"]) == (text, text or "x", text or "x")


def test_missing_customers_are_null_and_empty_texts_are_not() -> None:
    [chunk] = priced(file_of(order_line(CustomerID="", Country="", Description="")))

    assert chunk.priced.splitlines()[1] == (
        b'2,536365,85123A,"",6,2.55,GBP,15.30,0.86075,17.78,2010-12-01T08:26:00,,,f'
    )


def test_an_order_that_spans_chunks_is_one_order() -> None:
    data = file_of(*[order_line()] * 50, order_line(InvoiceNo="536366"))

    chunks = priced(data, bytes_per_chunk=100)

    assert len(chunks) > 10
    assert assessed(chunks).totals.orders == 2


def test_more_different_orders_than_are_remembered_are_counted() -> None:
    rows = [order_line(InvoiceNo=str(n), UnitPrice=f"1.{n % 1000:03}") for n in range(9000)]

    found = assessed(priced(file_of(*rows), bytes_per_chunk=10_000_000)).totals

    assert found.orders == 9000
    assert Decimal(found.total) == sum(6 * Decimal(row[5]) for row in rows)


def test_a_chunk_takes_little_more_memory_than_what_goes_in_and_comes_out() -> None:
    data = REAL_FILE.read_bytes()[len(HEADER) :] * 2
    chunk = Chunk(0, 0, len(data), 2)
    tracemalloc.start()
    try:
        price_chunk(data, chunk, ONLINE_RETAIL, RATES["online-retail"], UPLOADED_AT)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 3 * len(data)


def rows_where(**fields: str) -> bytes:
    """20,000 rows of different orders, all of them to be refused for the same reason."""
    return written([order_line(InvoiceNo=str(n), **fields) for n in range(20_000)])


# Each is refused line by line; what is said of a line is longer than the line.
REFUSED = {
    "one column": b"x\n" * 300_000,
    "quoted line breaks": b'"\n\n\n\n\n"\n' * 50_000,
    "nothing but delimiters": (b"," * 300 + b"\n") * 7_000,
    "prices": rows_where(UnitPrice="1e9") * 2,
    "dates": rows_where(InvoiceDate="x") * 2,
    "control characters": written([order_line(Description="\x1b" * 600)] * 3_000),
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_refused_lines_take_no_more_memory_and_room_than_what_was_sent(data: bytes) -> None:
    chunk = Chunk(0, 0, len(data), 2)
    tracemalloc.start()
    try:
        done = price_chunk(data, chunk, ONLINE_RETAIL, RATES["online-retail"], UPLOADED_AT)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak <= len(data), "with the chunk itself, more than twice its size"
    assert len(done.refused) + len(done.refused_rows) <= len(data) * 0.75
    assert len(done.refused_lines) <= len(data) * 0.1
    assert len(line_numbers(done.refused_lines)) == done.result.lines_in
    # And all are counted
    assert sum(done.result.refused.values()) == done.result.lines_in
    assert 0 < len(refusals_of([done])) <= KEPT_REFUSED_LINES


def test_the_first_refused_lines_are_kept_and_all_are_counted() -> None:
    data = written([order_line(), *[["x"]] * (KEPT_REFUSED_LINES + 10)])

    chunk = price_chunk(
        data, Chunk(0, 0, len(data), 2), ONLINE_RETAIL, RATES["online-retail"], UPLOADED_AT
    )

    kept = refusals_of([chunk])
    assert [one["line"] for one in kept] == list(range(3, KEPT_REFUSED_LINES + 3))
    assert chunk.result.refused == {"wrong_column_count": KEPT_REFUSED_LINES + 10}


@pytest.mark.parametrize(
    ("enough", "elsewhere", "lines_in", "stopped"),
    [(None, 0, 40, False), (20, 0, 40, False), (5, 0, 12, True), (5, 4, 4, True), (5, 6, 0, True)],
)
def test_reading_stops_where_refused_lines_are_enough_to_reject_the_file(
    enough: int | None, elsewhere: int, lines_in: int, stopped: bool
) -> None:
    # Given a chunk of which every second line is refused
    data = written([order_line(), order_line(UnitPrice="0")] * 20)
    chunk = Chunk(0, 0, len(data), 2, enough_refused=enough)
    rates = RATES["online-retail"]

    # When so many lines are enough, and others were refused in other chunks
    data = data if elsewhere <= (enough or 0) else b""
    done = price_chunk(data, chunk, ONLINE_RETAIL, rates, UPLOADED_AT, elsewhere)

    # Then the line with which they are more is the last that was read
    assert (done.result.lines_in, done.result.stopped) == (lines_in, stopped)


# Rows that are mostly good, and whatever a partner's system might make of them.
ODD_TEXTS = [
    "",
    "0",
    "-1",
    "1e9",
    "NaN",
    "\uff11\uff12",
    "1,5",
    '"',
    "=1",
    "a\nb",
    "\r",
    "C1",
    "-0.5",
]
odd = st.text(max_size=12) | st.sampled_from(ODD_TEXTS)
days = st.integers(0, 3000).map(lambda n: f"{date(2005, 1, 1) + timedelta(n)} 10:00:00")
cents = st.decimals(Decimal("0.01"), 100, places=2)
good_fields = {
    "InvoiceNo": st.sampled_from(["1", "2", "3", "C4"]),
    "StockCode": st.sampled_from(["A", "B"]),
    "Description": odd,
    "Quantity": st.integers(-20, 50) | st.integers(1, 9_999_999),
    "InvoiceDate": days,
    "UnitPrice": cents | st.decimals(0, 9_999_999, places=4),
    "CustomerID": st.sampled_from(["", "7", "7.0"]),
    "Country": st.sampled_from(["", "France"]),
}
good_rows = st.tuples(*good_fields.values()).map(lambda row: [str(field) for field in row])


@st.composite
def spoilt_rows(draw: st.DrawFn) -> list[str]:
    row = draw(good_rows)
    row[draw(st.integers(0, len(row) - 1))] = draw(odd)
    return row


rows_of_a_file = st.lists(
    good_rows | spoilt_rows() | st.lists(odd, max_size=10), min_size=1, max_size=30
)


@given(rows=rows_of_a_file, line_end=st.sampled_from(["\n", "\r\n"]), size=st.integers(1, 2000))
def test_every_line_is_priced_or_refused_and_the_sums_add_up(
    rows: list[list[str]], line_end: str, size: int
) -> None:
    # Given any file with a good header
    data = HEADER + written(rows, line_end)
    assume(surveyed(data).refusal is None)  # no NUL in it

    # When it is priced in chunks of any size
    chunks = priced(data, bytes_per_chunk=size)
    lines, refusals = lines_of(chunks), refusals_of(chunks)

    # Then no line is lost, and each is where it was
    text = io.StringIO(data.decode(), newline="")
    sent = [row for row in csv.reader(text) if row][1:]
    totals = assessed(chunks).totals
    assert totals.lines_in == len(sent) == len(lines) + len(refusals)
    assert totals.accepted == len(lines)
    assert totals.refused == Counter(refusal["reason"] for refusal in refusals)
    numbers = [int(row["line"]) for row in [*lines, *refusals]]
    assert len(set(numbers)) == len(numbers)
    assert min(numbers, default=2) >= 2

    # And sums add up exactly, each house amount being the nearest cents
    assert Decimal(totals.total) == sum(Decimal(line["amount"]) for line in lines)
    house_amounts = [Decimal(line["house_amount"]) for line in lines]
    assert Decimal(totals.house_total) == sum(house_amounts)
    assert Decimal(totals.house_gross or "") == sum(map(abs, house_amounts))
    assert totals.orders == len({line["invoice"] for line in lines})
    for line in lines:
        amount = int(line["quantity"]) * Fraction(line["unit_price"])
        assert amount == Fraction(line["amount"])
        cents = round(amount / Fraction(line["rate"]) * 100)  # half-even, as Python rounds
        assert Fraction(line["house_amount"]) * 100 == cents

    # And the file in one chunk comes to the very same
    [whole] = priced(data, bytes_per_chunk=len(data))
    assert lines_of([whole]) == lines
    assert refusals_of([whole]) == refusals
    assert assessed([whole]) == assessed(chunks)


def test_pricing_again_gives_the_same_bytes() -> None:
    data = file_of(*[order_line(InvoiceNo=str(n)) for n in range(20)])

    assert priced(data) == priced(data, uploaded_at=UPLOADED_AT)
