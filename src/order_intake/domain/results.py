"""What one step passes to the next about a file's lines, without the code that computes it."""

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
    refused_rows_kept: bool = False
    """Whether refused rows were kept in the partner's own format, to be corrected."""
    stopped: bool = False
    """Whether reading stopped because the file has enough refused lines to be rejected."""
    house_gross: str | None = None
    """Sum of the sizes of the accepted lines' house amounts, credits included; None in a result
    that was written before it was known."""


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
    house_gross: str | None = None
    """Sum of the sizes of the lines' house amounts: a credit counts as an order of its size does.
    None where a chunk was priced before it was known."""


class Figures(msgspec.Struct, frozen=True):
    """What the database has of a file, or what it left out of it."""

    lines: int
    orders: int
    total: str
    house_total: str


class Loaded(msgspec.Struct, frozen=True, tag_field="result", tag="Loaded"):
    """The file is in the database."""

    loaded: Figures
    skipped: Figures
    """Accepted, but left out: its orders were there already (only where `only_new` was asked)."""
    again: bool = False
    """An earlier try has loaded it, and all sums are the same."""


class ContentThere(msgspec.Struct, frozen=True, tag_field="result", tag="ContentThere"):
    """Nothing was loaded: the file `file_id` of this partner has brought the same content."""

    file_id: str
    same_sums: bool
    """Whether its counts and sums are this file's, too. Where they are not, its own count."""


class Orders(msgspec.Struct, frozen=True):
    """Some orders: how many, and the first numbers in order, at most `NAMED_ORDERS`."""

    count: int
    invoices: list[str]


NAMED_ORDERS = 100


class OrdersThere(msgspec.Struct, frozen=True, tag_field="result", tag="OrdersThere"):
    """Nothing was loaded: other files of this partner have brought orders of this one.

    An order is the same when the lines that are there are the file's lines, in any order; rates and
    amounts in the base currency are not compared.
    """

    new: Orders
    same: Orders
    changed: Orders


type LoadResult = Loaded | ContentThere | OrdersThere
