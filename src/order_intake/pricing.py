"""Pricing of one chunk: from its bytes to priced lines, refused lines and sums."""

from decimal import Decimal

import msgspec

from order_intake.chunks import Chunk
from order_intake.exchange import Rates
from order_intake.partners import Profile

NOTHING = Decimal("0.00")
"""Sums begin with it, so that they show cents at least."""

COLUMNS = (
    "line",
    "invoice",
    "sku",
    "description",
    "quantity",
    "unit_price",
    "currency",
    "amount",
    "rate",
    "house_amount",
    "ordered_at",
    "customer",
    "country",
    "credit_note",
)
"""Header of a chunk's priced lines: the columns of table `order_line` after `file_id`."""


class ChunkResult(msgspec.Struct, frozen=True):
    """A chunk's counts and sums; small, whatever the chunk's size."""

    index: int
    lines_in: int
    accepted: int
    refused: dict[str, int]
    """Reason code → lines; `lines_in` is `accepted` and all of these."""
    amount: str
    """Exact sum of quantity × unit price of the accepted lines, in the file's currency."""
    house_amount: str
    """Sum of the accepted lines' house amounts, each rounded to cents."""
    order_digests: bytes
    """Sorted 64-bit digests of the accepted lines' distinct invoice numbers."""


class PricedChunk(msgspec.Struct, frozen=True):
    """What becomes of a chunk."""

    priced: bytes
    """CSV in UTF-8 with the header `COLUMNS`; an empty field is null; booleans are t and f."""
    refused: bytes
    """One JSON object a line: line, reason, field, value, row; empty when nothing was refused."""
    result: ChunkResult


def price_chunk(
    data: bytes, chunk: Chunk, profile: Profile, rates: Rates, uploaded_at: str
) -> PricedChunk:
    """Price every line of the chunk (`data` are its bytes) or refuse it with its reason.

    house amount = quantity × unit price ÷ rate, rounded half-even to cents, line by line.
    Raises RatesUnavailable when the one rate of all lines is missing.
    """
    raise NotImplementedError
