"""Pricing of one chunk: from its bytes to priced lines, refused lines and sums."""

import csv
import io
import re
from array import array
from collections import Counter
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from hashlib import blake2b

import msgspec

from order_intake.chunks import Chunk
from order_intake.exchange import Rates, rate_for_all, rate_for_order
from order_intake.lines import LineDecoder, OrderLine, Refusal
from order_intake.memo import Memo
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


SHOWN_ROW_CHARACTERS = 1000
"""So much of a refused row is shown to its partner."""

_CENT = Decimal("0.01")
_TO_QUOTE = re.compile('[",\\r\\n]')


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


class _RefusedRow(msgspec.Struct):
    line: int
    reason: str
    field: str | None
    value: str
    row: str


class _Worth(msgspec.Struct, frozen=True):
    """What a quantity at a price and a rate comes to, also as the priced row's cells."""

    amount: Decimal
    house_amount: Decimal
    cells: str


def price_chunk(
    data: bytes, chunk: Chunk, profile: Profile, rates: Rates, uploaded_at: str
) -> PricedChunk:
    """Price every line of the chunk (`data` are its bytes) or refuse it with its reason.

    house amount = quantity × unit price ÷ rate, rounded half-even to cents, line by line.
    Raises RatesUnavailable when the one rate of all lines is missing.
    """
    # 50 digits: nothing is rounded but the house amounts, and those only once.
    with localcontext(prec=50, rounding=ROUND_HALF_EVEN):
        return _Pricer(chunk, profile, rates, uploaded_at).price(data.decode())


class _Pricer:
    """Prices the lines of one chunk."""

    def __init__(self, chunk: Chunk, profile: Profile, rates: Rates, uploaded_at: str) -> None:
        self._chunk = chunk
        self._profile = profile
        self._decoder = LineDecoder(profile)
        self._worths = Memo(self._worth)
        self._cells = Memo(_cell)
        self._times = Memo(datetime.isoformat)
        one_rate = rate_for_all(profile, uploaded_at, rates)

        def rate_of(ordered_at: datetime) -> Decimal | None:
            return one_rate or rate_for_order(profile, uploaded_at, rates, ordered_at.date())

        self._rates = Memo(rate_of)

    def price(self, text: str) -> PricedChunk:
        """Take every row either into the priced lines and the sums, or into the refused."""
        decode = self._decoder.decode
        priced = [",".join(COLUMNS)]
        refused: list[bytes] = []
        reasons: Counter[str] = Counter()
        invoices: set[str] = set()
        amount = house_amount = NOTHING
        # Without this a field of a megabyte would stop the whole chunk.
        csv.field_size_limit(max(csv.field_size_limit(), len(text)))
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=self._profile.delimiter)
        begins_on = self._chunk.first_line
        for row in rows:
            line = begins_on
            begins_on = self._chunk.first_line + rows.line_num
            if not row:
                continue  # an empty line
            decoded = decode(line, row)
            if isinstance(decoded, OrderLine):
                rate = self._rates[decoded.ordered_at]
                if rate is None:
                    decoded = self._decoder.outside_rates(decoded)
                else:
                    worth = self._worths[decoded.quantity, decoded.unit_price, rate]
                    amount += worth.amount
                    house_amount += worth.house_amount
                    invoices.add(decoded.invoice)
                    priced.append(self._priced_row(decoded, worth))
                    continue
            reasons[decoded.reason] += 1
            refused.append(_refused_row(decoded, row, self._profile.delimiter))
        accepted = len(priced) - 1
        result = ChunkResult(
            index=self._chunk.index,
            lines_in=accepted + len(refused),
            accepted=accepted,
            refused=dict(sorted(reasons.items())),
            amount=str(amount),
            house_amount=str(house_amount),
            order_digests=_digests(invoices),
        )
        priced.append("")
        return PricedChunk("\n".join(priced).encode(), b"".join(refused), result)

    def _worth(self, key: tuple[int, Decimal, Decimal]) -> _Worth:
        quantity, unit_price, rate = key
        amount = quantity * unit_price
        house_amount = (amount / rate).quantize(_CENT)
        currency = self._profile.currency
        cells = f"{quantity},{unit_price},{currency},{amount},{rate},{house_amount}"
        return _Worth(amount, house_amount, cells)

    def _priced_row(self, line: OrderLine, worth: _Worth) -> str:
        """Write one row under the header `COLUMNS`.

        By hand, because `csv.writer` takes as long as all the rest: most cells come again.
        """
        cells = self._cells
        return (
            f"{line.line},{cells[line.invoice]},{cells[line.sku]},{cells[line.description]},"
            f"{worth.cells},{self._times[line.ordered_at]},"
            f"{cells[line.customer]},{cells[line.country]},{'t' if line.credit_note else 'f'}"
        )


def _cell(text: str | None) -> str:
    """Write one cell: nothing is null, and an empty text is two quotes, as COPY reads them."""
    if text is None:
        return ""
    if text and not _TO_QUOTE.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def _refused_row(refusal: Refusal, row: list[str], delimiter: str) -> bytes:
    shown = delimiter.join(row)[:SHOWN_ROW_CHARACTERS]
    told = _RefusedRow(refusal.line, refusal.reason, refusal.field, refusal.value, shown)
    return msgspec.json.encode(told) + b"\n"


def _digests(invoices: set[str]) -> bytes:
    """Digest the invoice numbers to 64 bits: a million of them clash once in 37 million files."""
    digests = (blake2b(invoice.encode(), digest_size=8).digest() for invoice in invoices)
    return array("Q", sorted(int.from_bytes(digest) for digest in digests)).tobytes()
