"""Partner profiles: how a partner's file reads and on which terms it is taken.

One TOML file a partner in `partners/`; adding a partner is adding a file. What a profile may say
is checked here and nowhere else: by `make lint`, before a deployment, and when a file comes.
"""

import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from order_intake.domain.errors import InvalidInput

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

PARTNERS = Path(__file__).parents[1] / "partners"
RESERVED = "unknown"  # the folder of files that are nobody's; uploads.NO_PARTNER
DELIMITERS = ",;|\t"

# ISO 4217 codes of which the rates API knows rates: the euro foreign exchange reference rates of
# the ECB, as of January 2026.
# https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates
CURRENCIES = frozenset(
    """
    AUD BRL CAD CHF CNY CZK DKK GBP HKD HUF IDR ILS INR ISK JPY KRW MXN MYR NOK NZD PHP PLN RON SEK
    SGD THB TRY USD ZAR
    """.split()  # noqa: SIM905
)
FIRST_RATES = date(1999, 1, 4)
"""Of the ECB: there are none for an earlier day."""
LONGEST_ORDER_AGE = 366
"""Days; the rates of all of them must fit into the workflow's state (256 KiB)."""
HIGHEST_THRESHOLD = Decimal(1_000_000_000)
LONGEST_COLUMN_NAME = 100
LONGEST_PREFIX = 10

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_SHARE = re.compile(r"0(\.[0-9]{1,6})?|1(\.0{1,6})?")
_AMOUNT = re.compile(r"[0-9]{1,10}(\.[0-9]{1,2})?")
_DIRECTIVE = re.compile("%(-?.?)", re.DOTALL)
_CANNOT_BE_PARTED = re.compile("%-.%|%-?[^-]%-", re.DOTALL)


class Customer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a partner writes customer ids."""

    optional: bool = False
    """Whether a line may come without one."""
    digits: bool = False
    """Ids are whole numbers; the `.0` that a spreadsheet appends to them is dropped."""


class Numbers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a partner writes quantities and prices."""

    decimal: Literal[".", ","] = "."
    """What stands before the decimals."""
    thousands: Literal["", ".", ",", " ", "'"] = ""
    """What may stand between groups of three digits; a space is also a no-break space."""


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was agreed with the partner."""

    approval_threshold: Decimal
    """House currency; a file whose gross amount is above it needs a person's approval."""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One partner's profile, as its TOML file says it (decimals are quoted there)."""

    name: str
    currency: str
    """ISO 4217."""
    columns: dict[Field, str]
    """Field → column name, in the order in which the file has its columns."""
    date_format: str
    """Directives %Y %m %d, and %H %M or %H %M %S where the partner writes a time of day.

    With a hyphen (`%-d`) a part has one or two digits.
    """
    rates_day: str
    """Whose day's exchange rate counts: `upload`, `order`, or one fixed ISO date."""
    tolerance: Decimal
    """Share of lines (0 to 1) that may be refused before the whole file is rejected."""
    agreed: Terms = msgspec.field(name="terms")
    delimiter: str = ","
    encoding: Literal["utf-8", "windows-1252", "latin-1", "utf-16"] = "utf-8"
    numbers: Numbers = Numbers()
    ignored_columns: tuple[str, ...] | Literal["all"] = ()
    """Names of columns that may stand between those that are agreed; `all`: any other column."""
    credit_note_prefix: str | None = None
    """Invoices that begin with it are credit notes: their quantities are negative."""
    customer: Customer = Customer()
    max_order_age_days: int = 90
    """With `rates_day = "order"`: how old an order may be on the day of its upload."""

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
    return sorted(path.stem for path in PARTNERS.glob("*.toml"))


def problems_of_all(folder: Path | None = None) -> list[str]:
    """Return what is wrong with the profiles in a folder, a line each: file, key, what to write."""
    return [
        problem
        for path in sorted((folder or PARTNERS).iterdir())
        if path.suffix == ".toml"
        for problem in _problems_of(path.stem, path.read_bytes())[1]
    ]


def parse_profile(partner: str, text: bytes) -> Profile:
    """Read one profile; raises InvalidInput: the file, the key, what is wrong, what to write."""
    profile, problems = _problems_of(partner, text)
    if profile is None or problems:
        raise InvalidInput(problems[0])
    return profile


@lru_cache(maxsize=256)
def _read(partner: str) -> Profile | None:
    try:
        text = (PARTNERS / f"{partner}.toml").read_bytes()
    except FileNotFoundError:
        return None
    return parse_profile(partner, text)


def _problems_of(partner: str, text: bytes) -> tuple[Profile | None, list[str]]:
    """Return a profile as far as it reads, and what is wrong with it."""
    profile, problems = None, []
    try:
        raw = tomllib.loads(text.decode())
        problems = list(_decimals(raw))
        profile = msgspec.convert(raw, Profile)
        problems += _problems(profile, partner)
    except (ValueError, msgspec.MsgspecError) as error:
        # msgspec names the key and what it expects there, tomllib the line.
        problems = problems or [f"{error}; docs/profiles.md lists the keys"]
    return profile, [f"partner profile {partner}.toml: {problem}" for problem in problems]


def _wrong(key: str, value: object, write: str) -> str:
    return f"`{key}` is {str(value)[:60]!r}: write {write}"


def _decimals(raw: dict[str, Any]) -> Iterator[str]:
    """Check the decimals as they are written: as numbers, the digits of some would be lost."""
    terms = raw.get("terms")
    threshold = terms.get("approval_threshold") if isinstance(terms, dict) else None
    tolerance = raw.get("tolerance")
    if tolerance is not None and not _is(_SHARE, tolerance):
        write = 'a share of the lines from "0" to "1" in quotes, such as "0.05"'
        yield _wrong("tolerance", tolerance, write)
    if threshold is not None and not (
        _is(_AMOUNT, threshold) and Decimal(threshold) <= HIGHEST_THRESHOLD
    ):
        write = f'an amount in {HOUSE_CURRENCY} in quotes, such as "25000.00"'
        yield _wrong("terms.approval_threshold", threshold, write)


def _is(form: "re.Pattern[str]", value: object) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None


def _problems(profile: Profile, partner: str) -> Iterator[str]:
    if not _NAME.fullmatch(partner) or partner == RESERVED:
        write = f"1 to 40 of a-z, 0-9 and hyphens, and not {RESERVED!r}, as the file's name, too"
        yield _wrong("name", partner, write)
    elif profile.name != partner:
        yield _wrong("name", profile.name, f"{partner!r}, as the file's name says")
    if profile.currency != HOUSE_CURRENCY and profile.currency not in CURRENCIES:
        known = ", ".join(sorted({HOUSE_CURRENCY, *CURRENCIES}))
        yield _wrong("currency", profile.currency, f"one with published rates: {known}")
    if len(profile.delimiter) != 1 or profile.delimiter not in DELIMITERS:
        yield _wrong("delimiter", profile.delimiter, 'one of "," ";" "|" and "\\t"')
    if profile.numbers.decimal == profile.numbers.thousands:
        thousands = profile.numbers.thousands
        yield _wrong("numbers.thousands", thousands, "another mark than `numbers.decimal` has")
    prefix = profile.credit_note_prefix
    if prefix is not None and not _is_name(prefix, LONGEST_PREFIX):
        write = f"1 to {LONGEST_PREFIX} characters, or leave it out"
        yield _wrong("credit_note_prefix", prefix, write)
    if not 0 <= profile.max_order_age_days <= LONGEST_ORDER_AGE:
        write = f"days from 0 to {LONGEST_ORDER_AGE}"
        yield _wrong("max_order_age_days", profile.max_order_age_days, write)
    yield from _column_problems(profile)
    yield from _date_problems(profile)


def _column_problems(profile: Profile) -> Iterator[str]:
    ignored = () if profile.ignored_columns == "all" else profile.ignored_columns
    missing = [field for field in REQUIRED_FIELDS if field not in profile.columns]
    if missing:
        yield f"`columns` lacks {', '.join(missing)}: write the name of each one's column"
    named = [(f"columns.{field}", name) for field, name in profile.columns.items()]
    named += [("ignored_columns", name) for name in ignored]
    for key, name in named:
        if not _is_name(name, LONGEST_COLUMN_NAME):
            write = (
                f"a column's name of 1 to {LONGEST_COLUMN_NAME} characters, without spaces around"
            )
            yield _wrong(key, name, write)
        elif sum(other == name for _, other in named) > 1:
            yield _wrong(key, name, "each column's name once: this one is there twice")


def _is_name(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and text.isprintable() and text == text.strip()


def _date_problems(profile: Profile) -> Iterator[str]:
    directives = [part.removeprefix("-") for part in _DIRECTIVE.findall(profile.date_format)]
    parts = sorted(directives, key=TIME_PARTS.find)
    if parts not in (list("Ymd"), list("YmdHM"), list("YmdHMS")) or "%-Y" in profile.date_format:
        write = "%Y %m %d once each, and %H %M or %H %M %S or none; %-d is one digit or two"
        yield _wrong("date_format", profile.date_format, write)
    elif _CANNOT_BE_PARTED.search(profile.date_format):
        write = "something between a part of one digit or two and the next, such as %-d.%-m.%Y"
        yield _wrong("date_format", profile.date_format, write)
    try:
        day = profile.fixed_rates_day
    except ValueError:
        day = date.min
    if day and not FIRST_RATES <= day <= datetime.now(UTC).date():
        write = f'"upload", "order", or a day from {FIRST_RATES} (the first rates) to today'
        yield _wrong("rates_day", profile.rates_day, write)
