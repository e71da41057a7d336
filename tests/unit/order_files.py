"""Order files made up for tests, and the whole way of a file through the domain."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from order_intake.domain.assessment import Assessment, assess
from order_intake.domain.chunks import Survey, survey
from order_intake.domain.exchange import Rates
from order_intake.domain.partners import HOUSE_CURRENCY, Profile, load_profile
from order_intake.domain.pricing import PricedChunk, price_chunk

UPLOADED_AT = "2026-03-04T12:00:00Z"
REAL_FILE = Path(__file__).parents[2] / "events" / "uploads" / "online_retail_real_file.csv"
RATES = {
    "online-retail": Rates("GBP", "EUR", {"2010-12-31": "0.86075"}),
    "nordwind": Rates("EUR", "EUR", {}),
    "atlas-supply": Rates("USD", "EUR", {"2026-03-02": "1.25", "2026-03-03": "1.6"}),
}

# Fields by name, in the words of partner online-retail.
GOOD = {
    "InvoiceNo": "536365",
    "StockCode": "85123A",
    "Description": "WHITE HANGING HEART",
    "Quantity": "6",
    "InvoiceDate": "2010-12-01 08:26:00",
    "UnitPrice": "2.55",
    "CustomerID": "17850.0",
    "Country": "United Kingdom",
}


def profile(partner: str) -> Profile:
    found = load_profile(partner)
    assert found is not None
    return found


ONLINE_RETAIL = profile("online-retail")
HEADER = ",".join(GOOD).encode() + b"\n"


def order_line(**fields: str) -> list[str]:
    """One row of online-retail that is good but for the given fields."""
    return list((GOOD | fields).values())


def written(rows: Sequence[Sequence[str]], line_end: str = "\n", delimiter: str = ",") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=line_end, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode()


def surveyed(
    data: bytes,
    partner: str = "online-retail",
    *,
    block: int = 65536,
    bytes_per_chunk: int | None = None,
) -> Survey:
    blocks = (data[at : at + block] for at in range(0, len(data), block))
    return survey(blocks, len(data), profile(partner), bytes_per_chunk=bytes_per_chunk)


def priced(
    data: bytes,
    partner: str = "online-retail",
    *,
    bytes_per_chunk: int | None = None,
    rates: Rates | None = None,
    uploaded_at: str = UPLOADED_AT,
) -> list[PricedChunk]:
    """Survey a whole file and price all of its chunks."""
    found = surveyed(data, partner, bytes_per_chunk=bytes_per_chunk)
    assert found.refusal is None, found.refusal
    return [
        price_chunk(
            data[chunk.start : chunk.end],
            chunk,
            profile(partner),
            rates or RATES[partner],
            uploaded_at,
        )
        for chunk in found.chunks
    ]


def assessed(chunks: Sequence[PricedChunk], partner: str = "online-retail") -> Assessment:
    of = profile(partner)
    results = [chunk.result for chunk in chunks]
    return assess(results, of.terms(), of.currency, HOUSE_CURRENCY)
