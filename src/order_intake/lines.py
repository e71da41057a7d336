"""Strict decoding of one row into an order line, or into the reason why it is none."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from order_intake.partners import Field, Profile

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


class OrderLine(msgspec.Struct, frozen=True):
    """One line of an order, as its partner sent it, in the partner's currency."""

    line: int
    """Line of the file, from 1, on which the row begins."""
    invoice: str
    sku: str
    description: str
    quantity: int
    ordered_at: datetime
    """The partner's local time: no time zone is known."""
    unit_price: Decimal
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
