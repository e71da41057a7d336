"""What two places hold of the same lines is compared line by line, however each writes a value."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from operations.database.connection import Database

FIELDS = (
    "line", "invoice", "sku", "description", "quantity", "unit_price", "currency", "amount", "rate",
    "house_amount", "ordered_at", "customer", "country", "credit_note",
)  # fmt: skip
NUMBERS = {"line", "quantity", "unit_price", "amount", "rate", "house_amount"}
NAMED = 20  # so many orders are named


class Digest:
    """A digest of lines in their order."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, line: Mapping[str, Any]) -> None:
        """Take one line in, with its fields by their names."""
        self._hash.update(repr([_plain(name, line[name]) for name in FIELDS]).encode())

    def text(self) -> str:
        """The digest, in hex."""
        return self._hash.hexdigest()


def digest(lines: Iterable[Mapping[str, Any]]) -> str:
    """A digest of lines in their order, each with its fields by their names."""
    made = Digest()
    for line in lines:
        made.add(line)
    return made.text()


def repetitions(database: Database, only: set[str] | None) -> list[str]:
    """Contents and orders that are in the database twice, in words; those of `only` some files."""
    found = [
        f"the database has the same lines of one partner {len(files)} times: {', '.join(files)}"
        for files in database.repeated_contents()
        if only is None or only & set(files)
    ]
    orders: dict[tuple[str, ...], list[str]] = {}
    for invoice, files in database.repeated_orders():
        if only is None or only & set(files):
            orders.setdefault(tuple(files), []).append(invoice)
    for named, invoices in orders.items():
        shown = ", ".join(invoices[:NAMED]) + (" …" if len(invoices) > NAMED else "")
        found.append(
            f"{len(invoices)} orders are in the database from several files "
            f"({', '.join(named)}): {shown}"
        )
    return found


def _plain(name: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if name in NUMBERS:
        return f"{Decimal(value).normalize():f}"
    if name == "ordered_at":
        at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return at.isoformat()
    if name == "credit_note":
        return "t" if value in (True, "t") else "f"
    return str(value)
