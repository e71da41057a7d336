"""Partner profiles: read strictly, found by name only."""

from pathlib import Path

import pytest

from operations.checks import profiles
from order_intake.domain import partners
from order_intake.domain.errors import InvalidInput
from order_intake.domain.partners import load_profile, parse_profile, partner_names, problems_of_all
from workbench.deployment.packaging import sam
from workbench.stages.errors import UserError
from workbench.stages.stage import Stage

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
    "epicerie-morel": {"approval_threshold": "10000.00", "tolerance": "0.25"},
    "thames-gifts": {"approval_threshold": "5000000.00", "tolerance": "0.05"},
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
        ('currency = "USD"', 'currency = "BTC"', "one with published rates: AUD, BRL"),
        ('currency = "USD"', 'currency = "XAU"', "one with published rates"),
        ('sku = "item"', "", "sku"),
        ('sku = "item"', 'sku = "id"', "twice"),
        ('sku = "item"', 'sku = ""', "columns.sku"),
        ('sku = "item"', 'sku = " item"', "without spaces around"),
        ('sku = "item"', 'sku = "it\\u001bem"', "columns.sku"),
        ('sku = "item"', f'sku = "{"x" * 101}"', "columns.sku"),
        ('sku = "item"', 'sku = "item"\ncolour = "c"', "colour"),
        ("%Y-%m-%d", "%Y-%m", "date_format"),
        ("%Y-%m-%d", "%Y-%m-%d %p", "date_format"),
        ("%Y-%m-%d", "%Y-%m-%d%", "date_format"),
        ("%Y-%m-%d", "%Y-%m-%d%d", "date_format"),
        ("%Y-%m-%d", "%Y-%m-%d %S", "date_format"),
        ("%Y-%m-%d", "%-Y-%m-%d", "date_format"),
        ("%Y-%m-%d", "%-d%m%Y", "something between"),
        ("%Y-%m-%d", "%Y%-m%-d", "something between"),
        ('rates_day = "upload"', 'rates_day = "2026-02-30"', "rates_day"),
        ('rates_day = "upload"', 'rates_day = "0001-01-01"', "from 1999-01-04"),
        ('rates_day = "upload"', 'rates_day = "1999-01-03"', "from 1999-01-04"),
        ('rates_day = "upload"', 'rates_day = "9999-12-31"', "to today"),
        ('tolerance = "0.02"', 'tolerance = "1.5"', '"0" to "1" in quotes, such as "0.05"'),
        ('tolerance = "0.02"', 'tolerance = "1.01"', "tolerance"),
        ('tolerance = "0.02"', 'tolerance = "-0.1"', "tolerance"),
        ('tolerance = "0.02"', 'tolerance = "2e-2"', "tolerance"),
        ('tolerance = "0.02"', 'tolerance = "2%"', "tolerance"),
        ('tolerance = "0.02"', "tolerance = 0.02", "in quotes"),
        ('tolerance = "0.02"', 'tolerance = "NaN"', "tolerance"),
        ('approval_threshold = "500.00"', 'approval_threshold = "-1"', "approval_threshold"),
        ('approval_threshold = "500.00"', 'approval_threshold = "NaN"', "approval_threshold"),
        ('approval_threshold = "500.00"', 'approval_threshold = "5E2"', "approval_threshold"),
        ('approval_threshold = "500.00"', "approval_threshold = 500", "in quotes"),
        ('approval_threshold = "500.00"', 'approval_threshold = "1000000000.01"', "an amount"),
        ('approval_threshold = "500.00"', "", "approval_threshold"),
        ('approval_threshold = "500.00"', 'approval_threshold = "1"\nbonus = "1"', "bonus"),
        ('name = "acme"', 'name = "acme"\nmax_order_age_days = -1', "max_order_age_days"),
        ('name = "acme"', 'name = "acme"\nmax_order_age_days = 367', "days from 0 to 366"),
        ('name = "acme"', 'name = "acme"\nmax_order_age_days = 800000', "days from 0 to 366"),
        ('name = "acme"', 'name = "acme"\ncredit_note_prefix = ""', "credit_note_prefix"),
        ('name = "acme"', 'name = "acme"\ncredit_note_prefix = "CREDITNOTE-"', "10 characters"),
        ('name = "acme"', 'name = "acme"\ndelimiter = "x"', "delimiter"),
        ('name = "acme"', 'name = "acme"\nencoding = "ascii"', "encoding"),
        ('name = "acme"', 'name = "acme"\nignored_columns = "some"', "ignored_columns"),
        ('name = "acme"', 'name = "acme"\nignored_columns = ["n"]', "twice"),
        ('name = "acme"', 'name = "acme"\nignored_columns = [""]', "ignored_columns"),
        ("[terms]", '[numbers]\ndecimal = ";"\n[terms]', "numbers.decimal"),
        ("[terms]", '[numbers]\nthousands = "."\n[terms]', "numbers.thousands"),
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

    assert str(error.value).startswith("partner profile acme.toml: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["Acme", "unknown", "a.b", "-acme", "a" * 41])
def test_a_name_that_no_folder_may_have_is_refused(name: str) -> None:
    text = PROFILE.replace('name = "acme"', f'name = "{name}"')

    with pytest.raises(InvalidInput, match="1 to 40 of a-z, 0-9 and hyphens"):
        parse_profile(name, text.encode())


def test_all_that_is_wrong_is_listed_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(PROFILE)
    wrong = PROFILE.replace("acme", "beta").replace("USD", "usd").replace("%m", "%b")
    (tmp_path / "beta.toml").write_text(wrong)
    (tmp_path / "Gamma.toml").write_text(PROFILE)
    (tmp_path / "notes.txt").write_text("not a profile")

    found = problems_of_all(tmp_path)

    assert [one.partition("`")[0] for one in found] == [
        "partner profile Gamma.toml: ",
        "partner profile beta.toml: ",
        "partner profile beta.toml: ",
    ]
    assert [one.split("`")[1] for one in found] == ["name", "currency", "date_format"]


def test_lint_and_deployment_refuse_what_the_functions_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = PROFILE.replace('"0.02"', '"1.5"').replace('"upload"', '"someday"')
    (tmp_path / "acme.toml").write_text(wrong)
    (tmp_path / "beta.toml").write_text(PROFILE.replace("USD", "usd"))
    monkeypatch.setattr(partners, "PARTNERS", tmp_path)

    assert profiles.main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "partner profile acme.toml",
        "partner profile acme.toml",
        "partner profile beta.toml",
        "partner profile beta.toml",
    ]
    said = r"`tolerance` is '1\.5': write .* \(and 3 more: make lint\)"
    with pytest.raises(UserError, match=said):
        sam.check_sources(Stage("local"))
    with pytest.raises(InvalidInput, match="`tolerance` is"):
        partners._read.__wrapped__("acme")


@pytest.mark.parametrize(
    ("partner", "day"),
    [
        ("atlas-supply", "order"),
        ("online-retail", "2010-12-31"),  # orders of 2009 to 2011, sent today
        ("thames-gifts", "2010-12-31"),
    ],
)
def test_a_foreign_amount_has_the_rates_of_the_agreed_day(partner: str, day: str) -> None:
    profile = load_profile(partner)
    assert profile
    said = f"{partner}.toml: rates_day is {profile.rates_day!r}, agreed is {day!r}"
    assert profile.rates_day == day, said
