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

# What is agreed with each partner, once more: a profile that changes alone is a mistake.
AGREED = {
    "atlas-supply": {"approval_threshold": "50000.00", "tolerance": "0.02"},
    "nordwind": {"approval_threshold": "25000.00", "tolerance": "0.05"},
    "online-retail": {"approval_threshold": "100000.00", "tolerance": "0.01"},
}


@pytest.mark.parametrize(("name", "terms"), AGREED.items())
def test_a_profile_holds_what_is_agreed_with_the_partner(name: str, terms: dict[str, str]) -> None:
    profile = load_profile(name)
    assert profile is not None
    assert profile.terms() == terms


@pytest.mark.parametrize(
    "at_the_bound",
    ['tolerance = "0"', 'tolerance = "1"', 'tolerance = "0.1"\nmax_order_age_days = 0'],
)
def test_a_setting_may_be_as_small_or_large_as_its_bound(at_the_bound: str) -> None:
    text = PROFILE.replace('tolerance = "0.02"', at_the_bound)
    assert parse_profile("acme", text.encode()).name == "acme"


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
        ('approval_threshold = "500.00"', 'approval_threshold = "1"\nbonus = "1"', "bonus"),
        ('name = "acme"', 'name = "acme"\nmax_order_age_days = -1', "max_order_age_days"),
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
