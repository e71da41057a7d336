"""Strict decoding of one row into an order line, or into the reason why it is none."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import Literal, get_args

import msgspec

from order_intake.domain.memo import Memo
from order_intake.domain.partners import TIME_PARTS, Customer, Field, Numbers, Profile

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
    "not_a_refused_line",
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

# Years of orders: whatever is dated 0001 or 9999 was not dated at all.
FIRST_YEAR, LAST_YEAR = 1990, 2099

# Seven digits each: a line's amount then always fits the database's numeric(18,4).
_DIGITS = "[0-9]{1,7}"
_GROUPS = "[0-9]{{1,3}}{mark}[0-9]{{3}}|[0-9](?:{mark}[0-9]{{3}}){{2}}"
_DECIMALS = "[0-9]{1,4}"
# A thousands' mark of a profile, and what exports write for it.
_MARKS = {" ": " \u00a0\u202f", "'": "'\u2019"}

_CENT = Decimal("0.01")


class LineDecoder:
    """Decodes the rows of one partner's file.

    A row is decoded in three parts, each of which mostly has come before: the order, the
    article, and how much of it at which price. That makes all the rules cheaper than a bare
    conversion of every field of every row.
    """

    def __init__(
        self, profile: Profile, width: int | None = None, places: Sequence[int] = ()
    ) -> None:
        """Decode rows that have the profile's columns; of `width` columns those at `places`."""
        self._profile = profile
        self._width = width or len(profile.columns)
        self._places = dict(zip(profile.columns, places or range(self._width), strict=True))
        self._incomplete = len(profile.columns) < len(get_args(Field))
        self._numbers = _Numbers(profile.numbers)
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
        return itemgetter(*(self._places.get(field, -1) for field in fields))

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
        customer_id = self._customer(customer, self._profile.customer)
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
        number = self._numbers.whole(quantity)
        if number is None:
            return self._refusal("quantity_invalid", "quantity", quantity)
        return Purchase(number, unit_price)

    def _price(self, text: str) -> Decimal | Refusal:
        number = self._numbers.decimal(text)
        if number is None:
            return self._refusal("price_invalid", "unit_price", text)
        unit_price = shortest(number)
        if unit_price <= 0:
            return self._refusal("price_not_positive", "unit_price", text)
        return unit_price

    def _customer(self, text: str, rule: Customer) -> str | None:
        """Read a customer id: "" where a missing one is allowed, None if it is invalid."""
        if not text.strip():
            return "" if rule.optional else None
        return self._numbers.identity(text) if rule.digits else text

    def _refusal(self, reason: LineReason, field: Field, value: str) -> Refusal:
        return Refusal(reason, self._profile.columns.get(field), value[:SHOWN_CHARACTERS])


def shortest(amount: Decimal) -> Decimal:
    """Return it with two decimals, or as many more as it needs: equal amounts look the same."""
    cents = amount.quantize(_CENT)
    return cents if cents == amount else amount.normalize()


class _Numbers:
    """Reads numbers as a profile says that they are written, and nothing else."""

    def __init__(self, written: Numbers) -> None:
        point = re.escape(written.decimal)
        whole = _DIGITS
        marks = ""
        if written.thousands:
            marks = _MARKS.get(written.thousands, written.thousands)
            whole = f"(?:{whole}|{_GROUPS.format(mark=f'[{re.escape(marks)}]')})"
        self._whole = re.compile(f"-?{whole}").fullmatch
        self._decimal = re.compile(f"-?{whole}(?:{point}{_DECIMALS})?").fullmatch
        self._identity = re.compile(f"([0-9]{{1,15}})(?:{point}0)?").fullmatch
        is_plain = written.decimal == "." and not marks
        self._marks = None if is_plain else str.maketrans(written.decimal, ".", marks)

    def whole(self, text: str) -> int | None:
        """Read a whole number of at most seven digits."""
        if not self._whole(text):
            return None
        return int(text.translate(self._marks) if self._marks else text)

    def decimal(self, text: str) -> Decimal | None:
        """Read a number of at most seven digits and four decimals."""
        if not self._decimal(text):
            return None
        return Decimal(text.translate(self._marks) if self._marks else text)

    def identity(self, text: str) -> str | None:
        """Read a number that is a name: at most 15 digits, without the `.0` of spreadsheets."""
        found = self._identity(text)
        return found[1] if found else None


def _time_reader(date_format: str) -> Callable[[str], datetime | None]:
    """Return a reader of exactly this format.

    `strptime` will not do: it takes one digit for two, spaces, and the digits of any script.
    """

    def digits(part: re.Match[str]) -> str:
        count = "1,2" if part[1] else "4" if part[2] == "Y" else "2"
        return f"(?P<{part[2]}>[0-9]{{{count}}})"

    # re.escape writes a hyphen as `\\-`.
    pattern = re.sub(r"%(\\-)?(.)", digits, re.escape(date_format))
    match = re.compile(pattern).fullmatch
    parts = [part for part in TIME_PARTS if re.search(f"%-?{part}", date_format)]

    def read(text: str) -> datetime | None:
        found = match(text)
        if not found:
            return None
        try:
            time = datetime(*map(int, found.group(*parts)))  # type: ignore[arg-type]
        except ValueError:
            return None  # no such day or time
        return time if FIRST_YEAR <= time.year <= LAST_YEAR else None

    return read
