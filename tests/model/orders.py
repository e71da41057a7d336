"""Order files as the model knows them, each line with its amount."""

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property

type Key = tuple[str, str]
"""Invoice and article: no two lines of a world have the same."""

LARGE = 65536  # bytes from which a file goes through the workflow
_LONGEST_TEXT = 480  # characters; makes a file large without many lines


@dataclass(frozen=True)
class Line:
    """One order line; a bad one has a price that no profile can read."""

    invoice: str
    sku: str
    quantity: int
    price: Decimal
    bad: bool = False

    @property
    def key(self) -> Key:
        """Return what identifies the line."""
        return self.invoice, self.sku

    @property
    def amount(self) -> Decimal:
        """Return the line's amount in its partner's currency."""
        return self.quantity * self.price


@dataclass(frozen=True)
class Partner:
    """A partner profile as its TOML file describes it, as far as lines are written here."""

    name: str
    header: str
    row: str
    date_format: str
    columns: int
    delimiter: str


NORDWIND = Partner(
    "nordwind",
    "Rechnung;Datum;Kunde;Artikel;Bezeichnung;Menge;Einzelpreis",
    "{invoice};{day};K-7;{sku};{text};{quantity};{price}",
    "%d.%m.%Y",
    7,
    ";",
)
ATLAS = Partner(
    "atlas-supply",
    "order_date,order_id,item,item_name,units,price,account,ship_to",
    "{day}T08:00:00,{invoice},{sku},{text},{quantity},{price},A-7,US",
    "%Y-%m-%d",
    8,
    ",",
)


@dataclass(frozen=True)
class Content:
    """What one order file says: the same content has the same bytes, whatever it is called."""

    partner: Partner
    day: date
    lines: tuple[Line, ...]
    large: bool = False

    @cached_property
    def data(self) -> bytes:
        """Return the file's bytes."""
        rows = [self.partner.header, *(self._row(line) for line in self.lines)]
        return ("\n".join(rows) + "\n").encode()

    @cached_property
    def sha256(self) -> str:
        """Return the content's identity."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def good(self) -> dict[Key, Line]:
        """Return the lines that can be loaded."""
        return {line.key: line for line in self.lines if not line.bad}

    @cached_property
    def refused(self) -> list[tuple[int, Line]]:
        """Return the lines that are refused, with their number in the file (the header is 1)."""
        return [(2 + place, line) for place, line in enumerate(self.lines) if line.bad]

    @cached_property
    def invoices(self) -> set[str]:
        """Return the orders of which at least one line can be loaded."""
        return {invoice for invoice, _ in self.good}

    def corrected(self) -> "Content":
        """Return the same file with every line put right."""
        return replace(self, lines=tuple(replace(line, bad=False) for line in self.lines))

    def corrected_lines(self) -> "Content":
        """Return the refused lines alone, put right."""
        lines = tuple(replace(line, bad=False) for _, line in self.refused)
        return replace(self, lines=lines, large=False)

    def correction(self) -> bytes:
        """Return the correction of all refused lines, with the column that numbers them."""
        rows = [f"{self.partner.header}{self.partner.delimiter}refused_line"]
        rows += [
            f"{self._row(replace(line, bad=False))}{self.partner.delimiter}{number}"
            for number, line in self.refused
        ]
        return ("\n".join(rows) + "\n").encode()

    def _row(self, line: Line) -> str:
        # A large file gets there by its texts: many lines would only take time.
        filler = "x" * min(_LONGEST_TEXT, 10 + LARGE // len(self.lines)) if self.large else "Band"
        return self.partner.row.format(
            invoice=line.invoice,
            day=self.day.strftime(self.partner.date_format),
            sku=line.sku,
            text=filler,
            quantity=line.quantity,
            price="one" if line.bad else line.price,
        )
