"""Strict decoding of one row into an order line, or into the reason why it is none."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from itertools import cycle
from operator import itemgetter
from typing import Literal, get_args

import msgspec

from order_intake.memo import Memo
from order_intake.partners import Customer, Field, Profile

LineReason = Literal[
    "wrong_column_count",
    "field_too_long",
    "invoice_missing",
    "sku_missing",
    "date_invalid",
    "price_invalid",
    "price_not_positive",
    "quantity_invalid",
    "quantity_not_positive",
    "quantity_not_negative",
    "customer_invalid",
    "date_outside_rates",
]


class OrderLine(msgspec.Struct, frozen=True, gc=False):
    """One line of an order, as its partner sent it, in the partner's currency."""

    line: int
    """Line of the file, from 1, on which the row begins."""
    invoice: str
    sku: str
    description: str
    quantity: int
    unit_price: Decimal
    ordered_at: datetime
    """The partner's local time: no time zone is known."""
    customer: str | None
    country: str | None
    credit_note: bool


class Refusal(msgspec.Struct, frozen=True):
    """Why a line is refused: a code, and the field and value that led to it."""

    line: int
    reason: LineReason
    field: str | None
    """The column's name in the partner's file; None when the row as a whole is wrong."""
    value: str
    """What stood there, cut to `SHOWN_CHARACTERS`."""


SHOWN_CHARACTERS = 200

# Characters; a longer text is refused, never cut.
LONGEST_INVOICE = 40
LONGEST_SKU = 60
LONGEST_DESCRIPTION = 500
LONGEST_CUSTOMER = 60
LONGEST_COUNTRY = 60

# Seven digits each: a line's amount then always fits the database's numeric(18,4).
_QUANTITY = re.compile(r"-?[0-9]{1,7}")
_PRICE = re.compile(r"-?[0-9]{1,7}(\.[0-9]{1,4})?")
_WHOLE_NUMBER = re.compile(r"([0-9]{1,15})(?:\.0)?")

_CENT = Decimal("0.01")
_FIELDS: tuple[Field, ...] = get_args(Field)
_TIME_PARTS = {
    "Y": ("year", 4),
    "m": ("month", 2),
    "d": ("day", 2),
    "H": ("hour", 2),
    "M": ("minute", 2),
    "S": ("second", 2),
}


class LineDecoder:
    """Decodes the rows of one partner's file.

    Made once a chunk, because it remembers what it has decoded: most texts come again.
    """

    def __init__(self, profile: Profile) -> None:
        self._columns = profile.columns
        self._width = len(profile.columns)
        order = list(profile.columns)
        # A field that the partner does not send is read from an empty cell behind the row.
        self._pick = itemgetter(*(order.index(f) if f in order else -1 for f in _FIELDS))
        self._behind = [""] if len(order) < len(_FIELDS) else []
        self._prefix = profile.credit_note_prefix
        self._quantities = Memo(_quantity)
        self._prices = Memo(_price)
        self._times = Memo(_time_reader(profile.date_format))
        self._customers = Memo(_customer_reader(profile.customer))

    def decode(self, line: int, row: list[str]) -> OrderLine | Refusal:
        """Decode one row of `csv` that begins on `line`; the first rule that fails is named."""
        if len(row) != self._width:
            found = f"{len(row)} columns instead of {self._width}"
            return Refusal(line, "wrong_column_count", None, found)
        invoice, sku, description, quantity_text, time_text, price_text, customer_text, country = (
            self._pick(row + self._behind)
        )
        if (
            len(description) > LONGEST_DESCRIPTION
            or len(invoice) > LONGEST_INVOICE
            or len(sku) > LONGEST_SKU
            or len(customer_text) > LONGEST_CUSTOMER
            or len(country) > LONGEST_COUNTRY
        ):
            return self._too_long(line, row)
        if not invoice or invoice.isspace():
            return self._refusal(line, "invoice_missing", "invoice", invoice)
        if not sku or sku.isspace():
            return self._refusal(line, "sku_missing", "sku", sku)
        ordered_at = self._times[time_text]
        if ordered_at is None:
            return self._refusal(line, "date_invalid", "ordered_at", time_text)
        unit_price = self._prices[price_text]
        if unit_price is None:
            return self._refusal(line, "price_invalid", "unit_price", price_text)
        if unit_price <= 0:
            return self._refusal(line, "price_not_positive", "unit_price", price_text)
        quantity = self._quantities[quantity_text]
        if quantity is None:
            return self._refusal(line, "quantity_invalid", "quantity", quantity_text)
        credit_note = self._prefix is not None and invoice.startswith(self._prefix)
        if credit_note and quantity >= 0:
            return self._refusal(line, "quantity_not_negative", "quantity", quantity_text)
        if quantity <= 0 and not credit_note:
            return self._refusal(line, "quantity_not_positive", "quantity", quantity_text)
        customer = self._customers[customer_text]
        if customer is None:
            return self._refusal(line, "customer_invalid", "customer", customer_text)
        return OrderLine(
            line,
            invoice,
            sku,
            description,
            quantity,
            unit_price,
            ordered_at,
            customer or None,
            country or None,
            credit_note,
        )

    def outside_rates(self, line: OrderLine) -> Refusal:
        """Refuse a line whose day has no exchange rate: too long ago, or still to come."""
        day = line.ordered_at.date().isoformat()
        return self._refusal(line.line, "date_outside_rates", "ordered_at", day)

    def _refusal(self, line: int, reason: LineReason, field: Field, value: str) -> Refusal:
        return Refusal(line, reason, self._columns.get(field), value[:SHOWN_CHARACTERS])

    def _too_long(self, line: int, row: list[str]) -> Refusal:
        longest = {
            "invoice": LONGEST_INVOICE,
            "sku": LONGEST_SKU,
            "description": LONGEST_DESCRIPTION,
            "customer": LONGEST_CUSTOMER,
            "country": LONGEST_COUNTRY,
        }
        field, value = next(
            (field, value)
            for field, value in zip(self._columns, row, strict=True)
            if len(value) > longest.get(field, len(value))
        )
        return self._refusal(line, "field_too_long", field, value)


def _quantity(text: str) -> int | None:
    return int(text) if _QUANTITY.fullmatch(text) else None


def _price(text: str) -> Decimal | None:
    """At least two decimals and no more than needed, so that equal prices look the same."""
    if not _PRICE.fullmatch(text):
        return None
    price = Decimal(text)
    cents = price.quantize(_CENT)
    return cents if cents == price else price.normalize()


def _time_reader(date_format: str) -> Callable[[str], datetime | None]:
    """Return a reader of exactly this format.

    `strptime` will not do: it takes one digit for two, spaces, and the digits of any script.
    """
    parts = re.split(r"%(.)", date_format)
    pattern = "".join(
        f"(?P<{_TIME_PARTS[part][0]}>[0-9]{{{_TIME_PARTS[part][1]}}})" if odd else re.escape(part)
        for odd, part in zip(cycle((False, True)), parts)
    )
    match = re.compile(pattern).fullmatch

    def read(text: str) -> datetime | None:
        found = match(text)
        if not found:
            return None
        numbers = {part: int(digits) for part, digits in found.groupdict().items()}
        try:
            return datetime(**numbers)  # type: ignore[arg-type]
        except ValueError:
            return None  # no such day or time

    return read


def _customer_reader(rule: Customer) -> Callable[[str], str | None]:
    """Return a reader of customer ids: "" where a missing one is allowed, None if invalid."""

    def read(text: str) -> str | None:
        if not text.strip():
            return "" if rule.optional else None
        if not rule.digits:
            return text
        number = _WHOLE_NUMBER.fullmatch(text)
        return number[1] if number else None

    return read
