"""What one step tells the next about a file's lines, without the code that reckons it."""

import msgspec

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


class Totals(msgspec.Struct, frozen=True):
    """A file's sums; amounts are decimal strings in units of their currency."""

    lines_in: int
    accepted: int
    refused: dict[str, int]
    """Reason code → lines; `lines_in` is `accepted` and all of these."""
    orders: int
    """Distinct invoices with at least one accepted line."""
    total: str
    currency: str
    house_total: str
    house_currency: str
