"""Pricing of one chunk: from its bytes to priced lines, refused lines and sums."""

import csv
import io
import re
import zlib
from array import array
from collections import Counter
from collections.abc import Container
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from hashlib import blake2b
from itertools import accumulate

import msgspec

from order_intake.domain.chunks import KEPT_REFUSED_LINES, REFUSED_LINE, SMALLEST_CHUNK, Chunk
from order_intake.domain.exchange import Rates, rate_for_all, rate_for_order
from order_intake.domain.lines import (
    SHOWN_CHARACTERS,
    LineDecoder,
    Order,
    Purchase,
    Refusal,
    shortest,
)
from order_intake.domain.memo import Memo
from order_intake.domain.partners import Profile
from order_intake.domain.results import COLUMNS, ChunkResult

SHOWN_ROW_CHARACTERS = 1000
"""So much of a refused row is shown to its partner."""
KEPT_BYTES = SMALLEST_CHUNK
"""Refused lines are kept up to so many bytes, or to half of the chunk's own if these are more."""

LONGEST_KEPT_ROW = 8000
"""Characters; a longer row is not kept for its correction: its partner has it."""

_CENT = Decimal("0.01")
_LINE_NUMBER = re.compile(r"[0-9]{1,9}")
_ROWS_AT_ONCE = 1000


class PricedChunk(msgspec.Struct, frozen=True):
    """What becomes of a chunk."""

    priced: bytes
    """CSV in UTF-8 with the header `COLUMNS`; an empty field is null; booleans are t and f."""
    refused: bytes
    """One JSON object a line: line, reason, field, value, row; empty when nothing was refused.

    The first `KEPT_REFUSED_LINES` of them, fewer when they are long.
    """
    refused_rows: bytes
    """Refused rows as CSV in UTF-8, in the partner's own columns, with line and reason: the first
    of them, a quarter of what is kept otherwise."""
    refused_lines: bytes
    """The lines of all refused rows; `line_numbers` reads them."""
    result: ChunkResult


class _RefusedLine(msgspec.Struct):
    line: int
    reason: str
    field: str | None
    value: str
    row: str


type _Worth = tuple[int, int, str]
"""What a purchase comes to at a rate: amount in ten-thousandths, house amount in cents (whole
numbers add up faster than decimals, and as exactly), and its cells of the priced row."""

type _PricedOrder = tuple[Memo[Purchase, _Worth] | None, str, str]
"""What purchases come to at the order's rate (None without one), and the order's cells before
and after those of its lines."""


def price_chunk(
    data: bytes,
    chunk: Chunk,
    profile: Profile,
    rates: Rates,
    uploaded_at: str,
    refused_elsewhere: int = 0,
    correctable: Container[int] = (),
) -> PricedChunk:
    """Price every line of the chunk (`data` are its bytes) or refuse it with its reason.

    house amount = quantity × unit price ÷ rate, rounded half-even to cents, line by line.
    Stops when the file, with the `refused_elsewhere` lines of other chunks, has enough refused
    lines to be rejected. A correction's line must name one of the `correctable` lines, once.
    Raises RatesUnavailable when the one rate of all lines is missing.
    """
    # 50 digits: nothing is rounded but the house amounts, and those only once.
    with localcontext(prec=50, rounding=ROUND_HALF_EVEN):
        pricer = _Pricer(chunk, profile, rates, uploaded_at, correctable)
        if chunk.enough_refused is not None:
            pricer.enough_refused = chunk.enough_refused - refused_elsewhere
        pricer.price(data)
        return pricer.priced_chunk()


class _Pricer:
    """Prices the lines of one chunk, in little more memory than what comes out of it.

    The priced rows are put together by hand from cells that mostly have come before:
    `csv.writer` alone takes as long as all the rest.
    """

    def __init__(
        self,
        chunk: Chunk,
        profile: Profile,
        rates: Rates,
        uploaded_at: str,
        correctable: Container[int],
    ) -> None:
        self._chunk = chunk
        self._correctable = correctable
        self._corrected: set[int] = set()
        self._profile = profile
        self._rates = rates
        self._uploaded_at = uploaded_at
        self._one_rate = rate_for_all(profile, uploaded_at, rates)
        self._decoder = LineDecoder(profile, chunk.width, chunk.places)
        self._orders = Memo(self._priced_order)
        self._worths = Memo(self._worths_at)

        self._priced = io.BytesIO()
        self._refused = io.BytesIO()
        self._rows = self._amount = self._house_amount = self._house_gross = 0
        self.enough_refused: int | None = None
        """With more refused lines than these, reading stops."""
        self._refusals = self._last_refused = 0
        self._refused_lines = io.BytesIO()
        # Small, because memory must not grow with what is refused; numbers compress well.
        self._packer = zlib.compressobj(wbits=9, memLevel=1)
        self._refused_rows = io.BytesIO()
        self._kept_bytes = 0
        self._reasons: Counter[str] = Counter()
        self._invoices: set[str] = set()

    def price(self, data: bytes) -> None:
        """Take every row either into the priced lines and the sums, or into the refused."""
        # Without this a field of a megabyte would stop the whole chunk.
        csv.field_size_limit(max(csv.field_size_limit(), len(data)))
        text = io.TextIOWrapper(io.BytesIO(data), encoding=self._chunk.encoding, newline="")
        rows = csv.reader(text, delimiter=self._profile.delimiter)
        decode, orders, invoices = self._decoder.decode, self._orders, self._invoices
        corrects_at = self._chunk.corrects_at
        columns = COLUMNS if corrects_at is None else (*COLUMNS, "corrects_line")
        priced = [",".join(columns) + "\n"]
        amount = house_amount = house_gross = 0
        next_line = first_line = self._chunk.first_line
        self._kept_bytes = max(KEPT_BYTES, len(data) // 2)
        for row in rows:
            line, next_line = next_line, first_line + rows.line_num
            decoded = decode(row)
            if isinstance(decoded, Refusal):
                # An empty line is not an order line.
                if row and self._refuse(line, decoded, row):
                    break
                continue
            order, sku, description, purchase = decoded
            worths, before, after = orders[order]
            if worths is None:
                if self._refuse(line, self._decoder.outside_rates(order), row):
                    break
                continue
            if corrects_at is not None:
                corrects = self._corrects(row[corrects_at])
                if isinstance(corrects, Refusal):
                    if self._refuse(line, corrects, row):
                        break
                    continue
                after = f"{after},{corrects}"
            worth_amount, worth_house_amount, cells = worths[purchase]
            priced.append(f"{line},{before},{_article(sku, description)},{cells},{after}\n")
            amount += worth_amount
            house_amount += worth_house_amount
            house_gross += abs(worth_house_amount)
            invoices.add(order.invoice)
            if len(priced) == _ROWS_AT_ONCE:
                self._flush(priced)
        self._flush(priced)
        self._amount, self._house_amount = amount, house_amount
        self._house_gross = house_gross

    def priced_chunk(self) -> PricedChunk:
        """Return what has come of all rows."""
        accepted = self._rows - 1  # the header is none
        result = ChunkResult(
            index=self._chunk.index,
            lines_in=accepted + self._refusals,
            accepted=accepted,
            refused=dict(sorted(self._reasons.items())),
            amount=str(shortest(Decimal(self._amount).scaleb(-4))),
            house_amount=str(Decimal(self._house_amount).scaleb(-2)),
            house_gross=str(Decimal(self._house_gross).scaleb(-2)),
            order_digests=_digests(self._invoices),
            refused_rows_kept=self._refusals > 0,
            stopped=self._is_hopeless,
        )
        return PricedChunk(
            self._priced.getvalue(),
            self._refused.getvalue(),
            self._refused_rows.getvalue(),
            self._refused_lines.getvalue() + self._packer.flush(),
            result,
        )

    def _corrects(self, text: str) -> int | Refusal:
        """Return the refused line that a line corrects, which no other line of the chunk does."""
        line = int(text) if _LINE_NUMBER.fullmatch(text.strip()) else 0
        if line not in self._correctable or line in self._corrected:
            return Refusal("not_a_refused_line", REFUSED_LINE, text[:SHOWN_CHARACTERS])
        self._corrected.add(line)
        return line

    def _refuse(self, line: int, refusal: Refusal, row: list[str]) -> bool:
        """Count a refused line and keep it if there is room; return whether to stop reading."""
        self._reasons[refusal.reason] += 1
        self._refusals += 1
        self._refused_lines.write(self._packer.compress(b"%d\n" % (line - self._last_refused)))
        self._last_refused = line
        if self._refusals <= KEPT_REFUSED_LINES and self._refused.tell() < self._kept_bytes:
            self._keep(line, refusal, row)
        return self._is_hopeless

    @property
    def _is_hopeless(self) -> bool:
        return self.enough_refused is not None and self._refusals > self.enough_refused

    def _keep(self, line: int, refusal: Refusal, row: list[str]) -> None:
        # Cut before they are joined: a row may have megabytes.
        fields = (field[:SHOWN_ROW_CHARACTERS] for field in row[:SHOWN_ROW_CHARACTERS])
        shown = self._profile.delimiter.join(fields)[:SHOWN_ROW_CHARACTERS]
        kept = _RefusedLine(line, refusal.reason, refusal.field, refusal.value, shown)
        self._refused.write(msgspec.json.encode(kept) + b"\n")
        room = self._kept_bytes // 4 - self._refused_rows.tell()
        if room > 0 and sum(map(len, row)) <= LONGEST_KEPT_ROW:
            self._refused_rows.write(self._as_sent(row, line, refusal.reason))

    def _as_sent(self, row: list[str], line: int, reason: str) -> bytes:
        """Write a row as its partner sent it, without the columns that are ignored."""
        if self._chunk.places and len(row) == self._chunk.width:
            row = [row[place] for place in self._chunk.places]
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self._profile.delimiter, lineterminator="\n")
        writer.writerow([*row, line, reason])
        return text.getvalue().encode()

    def _flush(self, priced: list[str]) -> None:
        self._priced.write("".join(priced).encode())
        self._rows += len(priced)
        priced.clear()

    def _priced_order(self, order: Order) -> _PricedOrder:
        rate = self._one_rate or rate_for_order(
            self._profile, self._uploaded_at, self._rates, order.ordered_at.date()
        )
        after = (
            order.ordered_at.isoformat(),
            _cell(order.customer),
            _cell(order.country),
            "t" if order.credit_note else "f",
        )
        worths = self._worths[rate] if rate else None
        return worths, _cell(order.invoice), ",".join(after)

    def _worths_at(self, rate: Decimal) -> Memo[Purchase, _Worth]:
        currency = self._profile.currency

        def worth(purchase: Purchase) -> _Worth:
            quantity, unit_price = purchase.quantity, purchase.unit_price
            amount = quantity * unit_price
            house_amount = (amount / rate).quantize(_CENT)
            cells = f"{quantity},{unit_price!s},{currency},{amount!s},{rate!s},{house_amount!s}"
            return int(amount * 10_000), int(house_amount * 100), cells

        return Memo(worth)


def line_numbers(packed: bytes) -> list[int]:
    """Read the line numbers of `PricedChunk.refused_lines`."""
    return list(accumulate(map(int, zlib.decompress(packed).split())))


def _article(sku: str, description: str) -> str:
    cells = f"{sku},{description}"
    plain = cells.count(",") == 1 and '"' not in cells and "\n" not in cells and "\r" not in cells
    return cells if plain and description else f"{_cell(sku)},{_cell(description)}"


def _cell(text: str | None) -> str:
    """Write one cell: nothing is null, and an empty text is two quotes, as COPY reads them."""
    if text is None:
        return ""
    if '"' in text or "," in text or "\n" in text or "\r" in text or not text:
        return '"' + text.replace('"', '""') + '"'
    return text


def _digests(invoices: set[str]) -> bytes:
    """Digest the invoice numbers to 64 bits: a million of them clash once in 37 million files."""
    digests = (blake2b(invoice.encode(), digest_size=8).digest() for invoice in invoices)
    return array("Q", sorted(int.from_bytes(digest) for digest in digests)).tobytes()
