"""Files as other systems export them: encodings, numbers, dates, and columns that nobody asked for.

Each file is written from known values in the form that its profile says; what is read must be those
values, wherever the file is cut.
"""

import codecs
import csv
import io
import tracemalloc
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_intake.domain.chunks import Survey, survey
from order_intake.domain.exchange import house_rates
from order_intake.domain.lines import LineDecoder, Refusal
from order_intake.domain.partners import Profile, parse_profile
from order_intake.domain.pricing import price_chunk
from tests.unit.order_files import UPLOADED_AT

COLUMNS = {
    "invoice": "Invoice",
    "ordered_at": "Date",
    "sku": "Sku",
    "description": "Text",
    "quantity": "Quantity",
    "unit_price": "Price",
    "customer": "Customer",
    "country": "Country",
}
PROFILE = """
name = "acme"
currency = "EUR"
rates_day = "upload"
tolerance = "1"
delimiter = {delimiter}
encoding = "{encoding}"
date_format = "{date_format}"
ignored_columns = {ignored}
[numbers]
decimal = "{decimal}"
thousands = "{thousands}"
[columns]
{columns}
[terms]
approval_threshold = "500.00"
"""
CODECS = {"utf-8": "utf-8", "windows-1252": "cp1252", "latin-1": "latin-1", "utf-16": "utf-16-le"}


def profile_of(**fields: Any) -> Profile:
    plain = {
        "delimiter": '","', "encoding": "utf-8", "date_format": "%Y-%m-%d", "ignored": "[]",
        "decimal": ".", "thousands": "",
        "columns": "\n".join(f'{field} = "{name}"' for field, name in COLUMNS.items()),
    }  # fmt: skip
    return parse_profile("acme", PROFILE.format_map(plain | fields).encode())


def surveyed(
    data: bytes, profile: Profile, block: int = 65536, bytes_per_chunk: int | None = None
) -> Survey:
    blocks = (data[at : at + block] for at in range(0, len(data), block))
    return survey(blocks, len(data), profile, bytes_per_chunk=bytes_per_chunk)


def read(
    data: bytes, profile: Profile, block: int, bytes_per_chunk: int
) -> tuple[list[dict[str, str]], int]:
    """The priced lines of all chunks, and how many were refused."""
    found = surveyed(data, profile, block, bytes_per_chunk)
    assert found.refusal is None, found.refusal
    lines, refused, end = [], 0, found.chunks[0].start
    for chunk in found.chunks:
        assert chunk.start == end
        end = chunk.end
        part = data[chunk.start : chunk.end]
        done = price_chunk(part, chunk, profile, house_rates(), UPLOADED_AT)
        lines += list(csv.DictReader(io.StringIO(done.priced.decode(), newline="")))
        refused += sum(done.result.refused.values())
    assert end == len(data)
    return lines, refused


class Line(NamedTuple):
    invoice: str
    day: datetime
    description: str
    quantity: int
    price: Decimal
    more: str


# Characters that a file may have in each encoding; some have two units or four bytes in some.
TEXTS = {
    "utf-8": st.text(max_size=8),
    "utf-16": st.text(max_size=8) | st.sampled_from(["\U0001f600", "ÿ\ufeff", "ਊ\u0a0d", "\u2c22"]),
    "windows-1252": st.text(alphabet=bytes(range(1, 256)).decode("cp1252", "ignore"), max_size=8),
    "latin-1": st.text(alphabet=bytes(range(1, 256)).decode("latin-1"), max_size=8),
}


@st.composite
def lines(draw: st.DrawFn, encoding: str) -> Line:
    text = TEXTS[encoding].map(lambda one: one.replace("\0", ""))
    return Line(
        draw(st.from_regex(r"[A-Z0-9]{1,6}", fullmatch=True)),
        draw(st.datetimes(datetime(1990, 1, 1), datetime(2099, 12, 31))).replace(microsecond=0),
        draw(text),
        draw(st.integers(1, 9_999_999)),
        draw(st.decimals(Decimal("0.01"), 9_999_999, places=4)),
        draw(text),
    )


@st.composite
def files(draw: st.DrawFn) -> tuple[Profile, list[Line], bytes]:
    """A profile, what its partner orders, and the file that says so."""
    encoding = draw(st.sampled_from(sorted(CODECS)))
    decimal = draw(st.sampled_from(".,"))
    thousands = draw(st.sampled_from(["", *{".", ",", " ", "'"} - {decimal}]))
    one_digit = draw(st.booleans())
    extra = draw(st.sampled_from(["[]", '["More"]', '"all"']))
    delimiter = draw(st.sampled_from(",;|\t"))
    profile = profile_of(
        encoding=encoding,
        decimal=decimal,
        thousands=thousands,
        delimiter=f'"{delimiter}"'.replace("\t", "\\t"),
        date_format="%-m/%-d/%Y %-H:%M:%S" if one_digit else "%d.%m.%Y %H:%M:%S",
        ignored=extra,
    )
    orders = draw(st.lists(lines(encoding), min_size=1, max_size=12))
    spaces = " \u00a0\u202f" if encoding.startswith("utf") else " \u00a0"
    mark = draw(st.sampled_from(spaces)) if thousands == " " else thousands

    def number(value: int | Decimal) -> str:
        plain = f"{value:,}" if draw(st.booleans()) else str(value)
        return plain.translate({ord(","): mark, ord("."): decimal})

    def written(line: Line) -> list[str]:
        day = line.day
        when = f"{day:%d.%m.%Y %H:%M:%S}"
        if one_digit:
            when = f"{day.month}/{day.day}/{day.year} {day.hour}:{day:%M:%S}"
        row = [line.invoice, when, "A-1", line.description, number(line.quantity),
               number(line.price), "K-1", ""]  # fmt: skip
        return [*row[:place], line.more, *row[place:]] if place is not None else row

    place = draw(st.integers(0, 8)) if extra != "[]" else None
    header = list(COLUMNS.values())
    if place is not None:
        header.insert(place, "More")
    text = io.StringIO(newline="")
    line_end = draw(st.sampled_from(["\n", "\r\n"]))
    rows = csv.writer(text, delimiter=delimiter, lineterminator=line_end)
    rows.writerows([header, *map(written, orders)])
    return profile, orders, encoded(text.getvalue(), encoding, draw)


def encoded(text: str, encoding: str, draw: st.DrawFn) -> bytes:
    if encoding == "utf-16":
        codec = draw(st.sampled_from(["utf-16-le", "utf-16-be"]))
        return (draw(st.sampled_from(["", "\ufeff"])) + text).encode(codec)
    marked = encoding == "utf-8" and draw(st.booleans())
    return (b"\xef\xbb\xbf" if marked else b"") + text.encode(CODECS[encoding])


@given(file=files(), block=st.integers(1, 40), bytes_per_chunk=st.integers(1, 400))
def test_what_was_written_is_read_wherever_the_file_is_cut(
    file: tuple[Profile, list[Line], bytes], block: int, bytes_per_chunk: int
) -> None:
    profile, orders, data = file

    found, refused = read(data, profile, block, bytes_per_chunk)

    assert refused == 0
    assert [one["invoice"] for one in found] == [one.invoice for one in orders]
    assert [datetime.fromisoformat(one["ordered_at"]) for one in found] == [
        one.day for one in orders
    ]
    assert [one["description"] for one in found] == [one.description for one in orders]
    assert [int(one["quantity"]) for one in found] == [one.quantity for one in orders]
    assert [Decimal(one["unit_price"]) for one in found] == [one.price for one in orders]
    assert found == read(data, profile, len(data), len(data))[0]


@given(
    text=st.text(alphabet='ab,"\r\n\u0a0d\u2c22\U0001f600', max_size=40), block=st.integers(1, 9)
)
def test_rows_of_utf16_are_those_of_the_csv_module(text: str, block: int) -> None:
    # Given characters one byte of which looks like a delimiter, a quote or a line end
    profile = profile_of(encoding="utf-16")
    header = ",".join(COLUMNS.values()) + "\n"
    data = (header + text).encode("utf-16-be")
    reader = csv.reader(io.StringIO(f"{text}\nlast\n", newline=""))
    *_, last = reader

    found = surveyed(data, profile, block, 1)

    if last != ["last"]:
        assert found.refusal is not None
        assert found.refusal.reason == "unclosed_quote"
    elif text.strip():
        assert found.refusal is None
        parts = [data[one.start : one.end].decode("utf-16-be") for one in found.chunks]
        rows = list(csv.reader(io.StringIO(text, newline="")))
        cut = [list(csv.reader(io.StringIO(part, newline=""))) for part in parts]
        assert [row for chunk in cut for row in chunk] == rows
        assert "".join(parts) == text


@pytest.mark.parametrize(
    ("encoding", "data", "reason", "said"),
    [
        ("utf-8", b"\xe4", "not_utf8", "line 2 has the byte 0xE4, which is not UTF-8"),
        ("windows-1252", b"\x81", "wrong_encoding", "line 2 has the byte 0x81"),
        ("utf-16", b"\x00\xd8a\x00", "wrong_encoding", "which is not UTF-16"),
        ("utf-16", b"a", "wrong_encoding", "line 2"),
        ("utf-16", b"\x00\x00", "binary_content", "line 2 has a NUL byte"),
        ("latin-1", b"a\x00b", "binary_content", "line 2 has a NUL byte"),
    ],
)
def test_bytes_that_are_not_the_agreed_encoding_are_named(
    encoding: str, data: bytes, reason: str, said: str
) -> None:
    header = (",".join(COLUMNS.values()) + "\n").encode(CODECS[encoding])

    found = surveyed(header + data, profile_of(encoding=encoding))

    assert found.refusal is not None
    assert found.refusal.reason == reason
    assert said in found.refusal.explanation


def test_every_byte_is_a_character_of_latin_1() -> None:
    data = ",".join(COLUMNS.values()).encode() + b"\n" + bytes(range(0x80, 0x100))

    assert surveyed(data, profile_of(encoding="latin-1")).refusal is None


@pytest.mark.parametrize(
    ("header", "ignored", "said"),
    [
        ("More", "[]", 'unexpected: "More"'),
        ("Other", '["More"]', 'unexpected: "Other"'),
        ("Text", '"all"', 'doubled: "Text"'),
    ],
)
def test_a_column_that_is_not_ignored_is_named(header: str, ignored: str, said: str) -> None:
    data = (",".join([*COLUMNS.values(), header]) + "\n1\n").encode()

    found = surveyed(data, profile_of(ignored=ignored))

    assert found.refusal is not None
    assert said in found.refusal.explanation


def test_a_row_needs_the_ignored_columns_too() -> None:
    decoder = LineDecoder(profile_of(ignored='"all"'), 9, (1, 2, 3, 4, 5, 6, 7, 8))

    found = decoder.decode(["more", "1", "2020-01-01", "a", "", "1", "2", "c"])

    assert isinstance(found, Refusal)
    assert found.value == "8 columns instead of 9"


ROW = {"invoice": "1", "day": "2020-01-02", "sku": "a", "text": "", "n": "1", "price": "2"}


def decoded(profile: Profile, **fields: str) -> Any:
    return LineDecoder(profile).decode([*(ROW | fields).values(), "c", ""])


@pytest.mark.parametrize(
    ("numbers", "text", "value"),
    [
        ((",", "."), "1.234,5", "1234.5"),
        ((",", "."), "1234,5", "1234.5"),
        ((",", "."), "1.234.567", "1234567"),
        ((",", "."), "1.5", None),
        ((",", "."), "12.34,5", None),
        ((",", "."), "1234.567", None),
        ((",", "."), "12.345.678", None),
        ((",", "."), ".123", None),
        ((",", "."), "1.234.", None),
        ((",", ""), "1,5", "1.5"),
        ((",", ""), "1.5", None),
        ((".", ","), "1,234.5", "1234.5"),
        ((",", " "), "1 234,5", "1234.5"),
        ((",", " "), "1\u00a0234,5", "1234.5"),
        ((",", " "), "1\u202f234,5", "1234.5"),
        ((",", " "), "1  234", None),
        ((".", "'"), "1'234.5", "1234.5"),
        ((".", "'"), "1\u2019234.5", "1234.5"),
        ((".", ""), "1,234", None),
    ],
)
def test_a_number_reads_as_its_profile_says_and_not_otherwise(
    numbers: tuple[str, str], text: str, value: str | None
) -> None:
    found = decoded(profile_of(decimal=numbers[0], thousands=numbers[1]), price=text)

    if value is None:
        assert found.reason == "price_invalid"
    else:
        assert found[3].unit_price == Decimal(value)


@pytest.mark.parametrize(
    ("date_format", "text", "value"),
    [
        ("%-m/%-d/%Y %-H:%M", "12/1/2010 8:26", datetime(2010, 12, 1, 8, 26)),
        ("%-m/%-d/%Y %-H:%M", "12/01/2010 08:26", datetime(2010, 12, 1, 8, 26)),
        ("%-m/%-d/%Y %-H:%M", "12/1/2010 8:6", None),
        ("%-m/%-d/%Y %-H:%M", "13/1/2010 8:26", None),
        ("%-m/%-d/%Y %-H:%M", "012/1/2010 8:26", None),
        ("%-d.%-m.%Y", "1.2.2010", datetime(2010, 2, 1)),
        ("%d.%m.%Y", "1.2.2010", None),
        ("%Y-%m-%d", "1990-01-01", datetime(1990, 1, 1)),
        ("%Y-%m-%d", "2099-12-31", datetime(2099, 12, 31)),
        ("%Y-%m-%d", "0001-01-01", None),
        ("%Y-%m-%d", "1989-12-31", None),
        ("%Y-%m-%d", "2100-01-01", None),
        ("%Y-%m-%d", "9999-12-31", None),
    ],
)
def test_a_date_reads_as_its_profile_says_and_not_otherwise(
    date_format: str, text: str, value: datetime | None
) -> None:
    found = decoded(profile_of(date_format=date_format), day=text)

    if value is None:
        assert found.reason == "date_invalid"
    else:
        assert found[0].ordered_at == value


def test_the_pass_over_utf16_keeps_one_block_in_memory() -> None:
    block = ('1,2020-01-02,a,"ünïcode\n 😀",1,2,c,\n' * 20_000).encode("utf-16-le")
    header = (",".join(COLUMNS.values()) + "\n").encode("utf-16-le")

    def blocks() -> Iterator[bytes]:
        yield codecs.BOM_UTF16_LE + header
        for _ in range(20):
            yield block

    tracemalloc.start()
    try:
        found = survey(blocks(), 20 * len(block), profile_of(encoding="utf-16"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert found.refusal is None
    assert peak < 8 * len(block)
