"""Strict decoding of one row into an order line, or into the reason why it is none."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import Literal, get_args

import msgspec

from order_intake.memo import Memo
from order_intake.partners import TIME_PARTS, Customer, Field, Profile

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
    "customer_invalid",
    "date_outside_rates",
]


class Order(msgspec.Struct, frozen=True, eq=False, gc=False):
    """What the lines of one invoice share. Compared by identity: equal texts, same object."""

    invoice: str
    ordered_at: datetime
    """The partner's local time: no time zone is known."""
    customer: str | None
    country: str | None
    credit_note: bool


class Purchase(msgspec.Struct, frozen=True, eq=False, gc=False):
    """How much is ordered, and at which price. Compared by identity, as orders are."""

    quantity: int
    """Negative on a credit note, never zero."""
    unit_price: Decimal
    """In the partner's currency."""


type OrderLine = tuple[Order, str, str, Purchase]
"""One line of an order as its partner sent it: order, sku, description and purchase.

A bare tuple, because every line of every file becomes one.
"""


class Refusal(msgspec.Struct, frozen=True):
    """Why a line is refused: a code, and the field and value that led to it."""

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


class LineDecoder:
    """Decodes the rows of one partner's file.

    A row is decoded in three parts, each of which mostly has come before: the order, the
    article, and how much of it at which price. That makes all the rules cheaper than a bare
    conversion of every field of every row.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._width = len(profile.columns)
        self._incomplete = self._width < len(get_args(Field))
        self._read_time = _time_reader(profile.date_format)
        self._order_texts = self._texts("invoice", "ordered_at", "customer", "country")
        self._article_texts = self._texts("sku", "description")
        self._purchase_texts = self._texts("quantity", "unit_price")
        self._orders = Memo(self._order)
        self._purchases = Memo(self._purchase)
        self._prices = Memo(self._price)

    def decode(self, row: list[str]) -> OrderLine | Refusal:
        """Decode one row of `csv`; of several rules that it breaks, one is named."""
        if len(row) != self._width:
            found = f"{len(row)} columns instead of {self._width}"
            return Refusal("wrong_column_count", None, found)
        if self._incomplete:
            row = [*row, ""]  # fields that the partner does not send are read from here
        order = self._orders[self._order_texts(row)]
        if isinstance(order, Refusal):
            return order
        sku, description = self._article_texts(row)
        if not sku or sku.isspace():
            return self._refusal("sku_missing", "sku", sku)
        if len(sku) > LONGEST_SKU:
            return self._refusal("field_too_long", "sku", sku)
        if len(description) > LONGEST_DESCRIPTION:
            return self._refusal("field_too_long", "description", description)
        purchase = self._purchases[self._purchase_texts(row)]
        if isinstance(purchase, Refusal):
            return purchase
        # A credit note may take goods back; nothing else may, and no line is about nothing.
        if purchase.quantity <= 0 and (purchase.quantity == 0 or not order.credit_note):
            return self._refusal("quantity_not_positive", "quantity", str(purchase.quantity))
        return order, sku, description, purchase

    def outside_rates(self, order: Order) -> Refusal:
        """Refuse an order whose day has no exchange rate: too long ago, or still to come."""
        return self._refusal("date_outside_rates", "ordered_at", str(order.ordered_at.date()))

    def _texts(self, *fields: Field) -> Callable[[list[str]], tuple[str, ...]]:
        order = list(self._profile.columns)
        places = [order.index(field) if field in order else -1 for field in fields]
        return itemgetter(*places)

    def _order(self, texts: tuple[str, ...]) -> Order | Refusal:
        invoice, time, customer, country = texts
        if len(invoice) > LONGEST_INVOICE:
            return self._refusal("field_too_long", "invoice", invoice)
        if len(customer) > LONGEST_CUSTOMER:
            return self._refusal("field_too_long", "customer", customer)
        if len(country) > LONGEST_COUNTRY:
            return self._refusal("field_too_long", "country", country)
        if not invoice.strip():
            return self._refusal("invoice_missing", "invoice", invoice)
        ordered_at = self._read_time(time)
        if ordered_at is None:
            return self._refusal("date_invalid", "ordered_at", time)
        customer_id = _customer(customer, self._profile.customer)
        if customer_id is None:
            return self._refusal("customer_invalid", "customer", customer)
        prefix = self._profile.credit_note_prefix
        credit_note = prefix is not None and invoice.startswith(prefix)
        return Order(invoice, ordered_at, customer_id or None, country or None, credit_note)

    def _purchase(self, texts: tuple[str, ...]) -> Purchase | Refusal:
        quantity, price = texts
        unit_price = self._prices[price]
        if isinstance(unit_price, Refusal):
            return unit_price
        if not _QUANTITY.fullmatch(quantity):
            return self._refusal("quantity_invalid", "quantity", quantity)
        return Purchase(int(quantity), unit_price)

    def _price(self, text: str) -> Decimal | Refusal:
        if not _PRICE.fullmatch(text):
            return self._refusal("price_invalid", "unit_price", text)
        unit_price = shortest(Decimal(text))
        if unit_price <= 0:
            return self._refusal("price_not_positive", "unit_price", text)
        return unit_price

    def _refusal(self, reason: LineReason, field: Field, value: str) -> Refusal:
        return Refusal(reason, self._profile.columns.get(field), value[:SHOWN_CHARACTERS])


def shortest(amount: Decimal) -> Decimal:
    """Return it with two decimals, or as many more as it needs: equal amounts look the same."""
    cents = amount.quantize(_CENT)
    return cents if cents == amount else amount.normalize()


def _customer(text: str, rule: Customer) -> str | None:
    """Read a customer id: "" where a missing one is allowed, None if it is invalid."""
    if not text.strip():
        return "" if rule.optional else None
    if not rule.digits:
        return text
    number = _WHOLE_NUMBER.fullmatch(text)
    return number[1] if number else None


def _time_reader(date_format: str) -> Callable[[str], datetime | None]:
    """Return a reader of exactly this format.

    `strptime` will not do: it takes one digit for two, spaces, and the digits of any script.
    """
    pattern = re.sub(
        "%(.)",
        lambda part: f"(?P<{part[1]}>[0-9]{{{4 if part[1] == 'Y' else 2}}})",
        re.escape(date_format),
    )
    match = re.compile(pattern).fullmatch
    parts = [part for part in TIME_PARTS if f"%{part}" in date_format]

    def read(text: str) -> datetime | None:
        found = match(text)
        if not found:
            return None
        try:
            return datetime(*map(int, found.group(*parts)))  # type: ignore[arg-type]
        except ValueError:
            return None  # no such day or time

    return read
