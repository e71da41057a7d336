"""Partner profiles: how a partner's file reads and on which terms it is taken.

One TOML file a partner in `partners/`; adding a partner is adding a file.
"""

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from order_intake.errors import InvalidInput

HOUSE_CURRENCY = "EUR"

Field = Literal[
    "invoice", "sku", "description", "quantity", "ordered_at", "unit_price", "customer", "country"
]
REQUIRED_FIELDS: tuple[Field, ...] = (
    "invoice",
    "sku",
    "description",
    "quantity",
    "ordered_at",
    "unit_price",
)

TIME_PARTS = "YmdHMS"
"""Directives of a date format, from the greatest part to the smallest."""

_FOLDER = Path(__file__).parent / "partners"
_NAME = re.compile(r"[a-z0-9-]{1,40}")
_CURRENCY = re.compile(r"[A-Z]{3}")


class Customer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a partner writes customer ids."""

    optional: bool = False
    """Whether a line may come without one."""
    digits: bool = False
    """Ids are whole numbers; the `.0` that a spreadsheet appends to them is dropped."""


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was agreed with the partner."""

    approval_threshold: Decimal
    """House currency; a file worth more than this needs a person's approval."""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One partner's profile, as its TOML file says it (decimals are quoted there)."""

    name: str
    currency: str
    """ISO 4217."""
    columns: dict[Field, str]
    """Field → column name, in the order in which the file has its columns."""
    date_format: str
    """Directives %Y %m %d, and %H %M or %H %M %S where the partner writes a time of day."""
    rates_day: str
    """Whose day's exchange rate counts: `upload`, `order`, or one fixed ISO date."""
    tolerance: Decimal
    """Share of lines (0 to 1) that may be refused before the whole file is rejected."""
    agreed: Terms = msgspec.field(name="terms")
    delimiter: str = ","
    credit_note_prefix: str | None = None
    """Invoices that begin with it are credit notes: their quantities are negative."""
    customer: Customer = Customer()
    max_order_age_days: int = 90
    """With `rates_day = "order"`: how old an order may be on the day of its upload."""

    def __post_init__(self) -> None:
        """Check what types alone do not say; msgspec reports a ValueError as its own."""
        for problem in _problems(self):
            raise ValueError(problem)

    @property
    def fixed_rates_day(self) -> date | None:
        """The fixed day of the exchange rate, if the profile has one."""
        if self.rates_day in ("upload", "order"):
            return None
        return date.fromisoformat(self.rates_day)

    def terms(self) -> dict[str, str]:
        """What the ledger keeps of the terms, so that a later edit changes no open file."""
        return {
            "approval_threshold": str(self.agreed.approval_threshold),
            "tolerance": str(self.tolerance),
        }


def load_profile(partner: str) -> Profile | None:
    """Return the partner's profile, or None where there is no such partner.

    Raises InvalidInput when the profile itself is malformed.
    """
    # The name comes from an object's key: it must not choose a path.
    if not _NAME.fullmatch(partner):
        return None
    return _read(partner)


def partner_names() -> list[str]:
    """Return the names of all partners, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


@lru_cache(maxsize=256)
def _read(partner: str) -> Profile | None:
    try:
        text = (_FOLDER / f"{partner}.toml").read_bytes()
    except FileNotFoundError:
        return None
    return parse_profile(partner, text)


def parse_profile(partner: str, text: bytes) -> Profile:
    """Read one profile; raises InvalidInput naming the file and what is wrong with it."""
    try:
        profile = msgspec.toml.decode(text, type=Profile)
        if profile.name != partner:
            raise ValueError(f"`name` is {profile.name!r}, the file's name says {partner!r}")
    except (ValueError, msgspec.MsgspecError) as error:
        raise InvalidInput(f"partner profile {partner}.toml: {error}") from error
    return profile


def _problems(profile: Profile) -> list[str]:
    problems = []
    if not _CURRENCY.fullmatch(profile.currency):
        problems.append(f"`currency` {profile.currency!r} is no ISO 4217 code")
    missing = [field for field in REQUIRED_FIELDS if field not in profile.columns]
    if missing:
        problems.append(f"`columns` lacks {', '.join(missing)}")
    if len(set(profile.columns.values())) != len(profile.columns):
        problems.append("`columns` names one column twice")
    if len(profile.delimiter) != 1 or profile.delimiter in '"\r\n' or profile.delimiter > "~":
        problems.append("`delimiter` must be one ASCII character, no quote and no line end")
    if not profile.tolerance.is_finite() or not 0 <= profile.tolerance <= 1:
        problems.append("`tolerance` must lie between 0 and 1")
    threshold = profile.agreed.approval_threshold
    if not threshold.is_finite() or threshold < 0:
        problems.append("`terms.approval_threshold` must be an amount, not negative")
    if profile.credit_note_prefix == "":
        problems.append("`credit_note_prefix` must not be empty; leave it out instead")
    if profile.max_order_age_days < 0:
        problems.append("`max_order_age_days` must not be negative")
    return problems + _date_problems(profile)


def _date_problems(profile: Profile) -> list[str]:
    problems = []
    parts = sorted(re.findall("%(.?)", profile.date_format), key=TIME_PARTS.find)
    if parts not in (list("Ymd"), list("YmdHM"), list("YmdHMS")):
        problems.append("`date_format` must have %Y %m %d once each, and %H %M or %H %M %S or none")
    try:
        profile.fixed_rates_day  # noqa: B018
    except ValueError:
        problems.append(f"`rates_day` {profile.rates_day!r} is not upload, order or an ISO date")
    return problems
