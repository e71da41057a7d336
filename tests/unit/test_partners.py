"""Partner profiles: read strictly, found by name only."""

import pytest

from order_intake.errors import InvalidInput
from order_intake.partners import load_profile, parse_profile, partner_names

PROFILE = """
name = "acme"
currency = "USD"
date_format = "%Y-%m-%d"
rates_day = "upload"
tolerance = "0.02"
[columns]
invoice = "id"
sku = "item"
description = "text"
quantity = "n"
ordered_at = "day"
unit_price = "price"
[terms]
approval_threshold = "500.00"
"""


def test_every_profile_that_is_there_can_be_read() -> None:
    assert {"atlas-supply", "nordwind", "online-retail"} <= set(partner_names())
    for name in partner_names():
        found = load_profile(name)
        assert found is not None
        assert found.name == name


@pytest.mark.parametrize(
    "name",
    ["ghost", "", "../partners/nordwind", "nordwind.toml", "NORDWIND", "a" * 41, "nordwind\n"],
)
def test_no_other_name_finds_a_profile(name: str) -> None:
    assert load_profile(name) is None


def test_terms_are_what_the_ledger_keeps() -> None:
    profile = parse_profile("acme", PROFILE.encode())

    assert profile.terms() == {"approval_threshold": "500.00", "tolerance": "0.02"}


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('currency = "USD"', 'currency = "usd"', "currency"),
        ('sku = "item"', "", "sku"),
        ('sku = "item"', 'sku = "id"', "twice"),
        ('sku = "item"', 'sku = "item"\ncolour = "c"', "colour"),
        ("%Y-%m-%d", "%Y-%m", "date_format"),
        ("%Y-%m-%d", "%Y-%m-%d %p", "date_format"),
        ("%Y-%m-%d", "%Y-%m-%d%", "date_format"),
        ("%Y-%m-%d", "%Y-%m-%d%d", "date_format"),
        ("%Y-%m-%d", "%Y-%m-%d %S", "date_format"),
        ('rates_day = "upload"', 'rates_day = "2026-02-30"', "rates_day"),
        ('tolerance = "0.02"', 'tolerance = "1.5"', "tolerance"),
        ('tolerance = "0.02"', 'tolerance = "NaN"', "tolerance"),
        ('approval_threshold = "500.00"', 'approval_threshold = "-1"', "approval_threshold"),
        ('approval_threshold = "500.00"', 'approval_threshold = "NaN"', "approval_threshold"),
        ('name = "acme"', 'name = "other"', "other"),
        ('name = "acme"', 'name = "acme"\ndelimiter = ";;"', "delimiter"),
        ('name = "acme"', 'name = "acme"\ncolour = "red"', "colour"),
        ('name = "acme"', 'name = "acme', "acme.toml"),
    ],
)
def test_a_malformed_profile_is_one_clear_error(was: str, becomes: str, said: str) -> None:
    text = PROFILE.replace(was, becomes)
    assert text != PROFILE

    with pytest.raises(InvalidInput, match=said) as error:
        parse_profile("acme", text.encode())

    assert "acme.toml" in str(error.value)
    assert "\n" not in str(error.value)
