"""PriceChunk against a bare loop of csv, Decimal and msgspec over the same real lines."""

import csv
import io
import sys
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from operations.bench import REAL_FILE
from workbench.bench.figures import Figure, medians, seconds
from workbench.stages.stage import ROOT

sys.path.insert(0, str(ROOT / "src"))

from order_intake.domain.chunks import survey
from order_intake.domain.exchange import Rates
from order_intake.domain.partners import load_profile
from order_intake.domain.pricing import price_chunk

ROUNDS = 9
RATE = Decimal("0.86075")
CENT = Decimal("0.01")


class _Line(msgspec.Struct, array_like=True):
    invoice: str
    sku: str
    description: str
    quantity: int
    ordered_at: datetime
    unit_price: Decimal
    customer: str
    country: str


class _Priced(msgspec.Struct):
    line: _Line
    amount: Decimal
    house_amount: Decimal


def bare_loop(data: bytes) -> Decimal:
    """Read, convert, multiply, round, write and add up every line, with no rule applied."""
    encoder, out, total = msgspec.json.Encoder(), io.BytesIO(), Decimal(0)
    for row in csv.reader(io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="")):
        line = msgspec.convert(row, _Line, strict=False)
        amount = line.quantity * line.unit_price
        house_amount = (amount / RATE).quantize(CENT)
        out.write(encoder.encode(_Priced(line, amount, house_amount)))
        total += house_amount
    return total


def measure() -> Iterator[Figure]:
    """Lines per second of both, and PriceChunk's as a share of the bare loop's."""
    profile = load_profile("online-retail")
    if profile is None:
        raise LookupError("there is no profile of online-retail")
    data = REAL_FILE.read_bytes()
    (chunk,) = survey([data], len(data), profile, bytes_per_chunk=len(data)).chunks
    rates = Rates("GBP", "EUR", {"2010-12-31": str(RATE)})
    lines = data[chunk.start : chunk.end]

    def priced() -> None:
        price_chunk(lines, chunk, profile, rates, "2026-03-04T12:00:00Z")

    taken = medians(
        {
            "bare": lambda: seconds(lambda: bare_loop(lines)),
            "priced": lambda: seconds(priced),
        },
        ROUNDS,
    )
    count = lines.count(b"\n")
    yield Figure("bare loop of csv, Decimal, msgspec", count / taken["bare"] / 1000, "k/s")
    yield Figure("PriceChunk's pricing, all rules", count / taken["priced"] / 1000, "k/s")
    share = taken["bare"] / taken["priced"]
    yield Figure("PriceChunk / bare loop, lines per second", share, "times", ("at least", 0.8))
