"""Strict decoding of one row."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_intake.domain.lines import LineDecoder, Refusal
from tests.unit.order_files import ONLINE_RETAIL, order_line, profile


def refusal_of(**fields: str) -> Refusal:
    decoded = LineDecoder(ONLINE_RETAIL).decode(order_line(**fields))
    assert isinstance(decoded, Refusal)
    return decoded


def test_a_good_row_is_an_order_line() -> None:
    decoded = LineDecoder(ONLINE_RETAIL).decode(order_line())

    assert not isinstance(decoded, Refusal)
    order, sku, description, purchase = decoded
    assert (order.invoice, order.customer, order.country) == ("536365", "17850", "United Kingdom")
    assert order.ordered_at == datetime(2010, 12, 1, 8, 26)
    assert not order.credit_note
    assert (sku, description) == ("85123A", "WHITE HANGING HEART")
    assert (purchase.quantity, purchase.unit_price) == (6, Decimal("2.55"))


def test_another_partner_has_other_columns_in_another_order() -> None:
    row = ["R-1", "24.12.2025", "K 7", "A1", "Schraube", "5", "0.1250"]

    decoded = LineDecoder(profile("nordwind")).decode(row)

    assert not isinstance(decoded, Refusal)
    order, sku, _, purchase = decoded
    assert order.ordered_at == datetime(2025, 12, 24)
    assert (order.customer, order.country, sku) == ("K 7", None, "A1")
    assert str(purchase.unit_price) == "0.125"


@pytest.mark.parametrize("quantity", [-1, 1])
def test_a_credit_note_may_have_negative_quantities(quantity: int) -> None:
    line = order_line(InvoiceNo="C536379", Quantity=str(quantity))
    decoded = LineDecoder(ONLINE_RETAIL).decode(line)

    assert not isinstance(decoded, Refusal)
    assert decoded[0].credit_note
    assert decoded[3].quantity == quantity


@pytest.mark.parametrize(("sent", "read"), [("", None), ("  ", None), ("12", "12"), ("12.0", "12")])
def test_customer_ids_may_be_missing_or_spreadsheet_numbers(sent: str, read: str | None) -> None:
    decoded = LineDecoder(ONLINE_RETAIL).decode(order_line(CustomerID=sent))

    assert not isinstance(decoded, Refusal)
    assert decoded[0].customer == read


@pytest.mark.parametrize(
    "text", ["=1+1", "+SUM(A1)", "@cmd", "-2", '=HYPERLINK("x")', "Grüße, 世界", "a\nb", ""]
)
def test_a_description_is_just_text(text: str) -> None:
    decoded = LineDecoder(ONLINE_RETAIL).decode(order_line(Description=text))

    assert not isinstance(decoded, Refusal)
    assert decoded[2] == text


NO_NUMBERS = [
    "",
    " ",
    "1e9",
    "NaN",
    "Infinity",
    "\uff11\uff12",
    "1,5",
    "+1",
    " 1",
    "1 ",
    "0x1",
    "1_0",
    "--1",
]
NO_NUMBERS += [".5", "5.", "1.2.3", "९", "12345678", "9" * 5000, "=1", "1\n", "-"]


@pytest.mark.parametrize("text", [*NO_NUMBERS, "1.12345"])
def test_what_is_no_price_is_refused(text: str) -> None:
    refusal = refusal_of(UnitPrice=text)

    assert (refusal.reason, refusal.field) == ("price_invalid", "UnitPrice")
    assert text.startswith(refusal.value)
    assert len(refusal.value) <= 200


@pytest.mark.parametrize("text", [*NO_NUMBERS, "1.5", "1.0"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    refusal = refusal_of(Quantity=text)

    assert (refusal.reason, refusal.field) == ("quantity_invalid", "Quantity")


@pytest.mark.parametrize(
    "text",
    [
        "2010-02-29 00:00:00",
        "2010-13-01 00:00:00",
        "2010-12-01 24:00:00",
        "0000-01-01 00:00:00",
        "2010-12-01",
        "2010-12-1 08:26:00",
        "2010-12-01T08:26:00",
        "2010-12-01 08:26:00 ",
        "2010-12-01 08:26:00\n",
        "\uff12010-12-01 08:26:00",
        "01.12.2010 08:26:00",
        "",
        "x" * 100_000,
    ],
)
def test_what_is_no_date_of_the_partners_form_is_refused(text: str) -> None:
    refusal = refusal_of(InvoiceDate=text)

    assert (refusal.reason, refusal.field) == ("date_invalid", "InvoiceDate")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"InvoiceNo": ""}, "invoice_missing"),
        ({"InvoiceNo": " \t"}, "invoice_missing"),
        ({"StockCode": ""}, "sku_missing"),
        ({"StockCode": " "}, "sku_missing"),
        ({"UnitPrice": "0"}, "price_not_positive"),
        ({"UnitPrice": "0.0000"}, "price_not_positive"),
        ({"UnitPrice": "-0.01"}, "price_not_positive"),
        ({"UnitPrice": "0", "Quantity": "-5"}, "price_not_positive"),
        ({"Quantity": "0"}, "quantity_not_positive"),
        ({"Quantity": "-0"}, "quantity_not_positive"),
        ({"Quantity": "-1"}, "quantity_not_positive"),
        ({"InvoiceNo": "C1", "Quantity": "0"}, "quantity_not_positive"),
        ({"CustomerID": "12.5"}, "customer_invalid"),
        ({"CustomerID": "Ann"}, "customer_invalid"),
        ({"CustomerID": "nan"}, "customer_invalid"),
        ({"InvoiceNo": "1" * 41}, "field_too_long"),
        ({"StockCode": "1" * 61}, "field_too_long"),
        ({"Description": "x" * 501}, "field_too_long"),
        ({"CustomerID": "1" * 61}, "field_too_long"),
        ({"Country": "x" * 61}, "field_too_long"),
    ],
)
def test_each_rule_has_its_reason(fields: dict[str, str], reason: str) -> None:
    assert refusal_of(**fields).reason == reason


@pytest.mark.parametrize(("columns", "said"), [(7, "7 columns instead of 8"), (9, "9 columns")])
def test_a_row_of_another_width_is_refused(columns: int, said: str) -> None:
    decoded = LineDecoder(ONLINE_RETAIL).decode([*order_line(), "more"][:columns])

    assert isinstance(decoded, Refusal)
    assert (decoded.reason, decoded.field) == ("wrong_column_count", None)
    assert said in decoded.value


def test_a_customer_that_the_partner_must_name_is_missed() -> None:
    decoded = LineDecoder(profile("nordwind")).decode(
        ["R-1", "24.12.2025", " ", "A1", "Schraube", "5", "0.125"]
    )

    assert isinstance(decoded, Refusal)
    assert (decoded.reason, decoded.field) == ("customer_invalid", "Kunde")


@pytest.mark.parametrize("partner", ["online-retail", "nordwind"])
@given(row=st.lists(st.text(max_size=30), min_size=6, max_size=9))
def test_any_row_is_decoded_and_again_the_same(partner: str, row: list[str]) -> None:
    decoder = LineDecoder(profile(partner))
    before = list(row)

    first, second = decoder.decode(row), decoder.decode(row)

    assert first == second
    assert row == before
