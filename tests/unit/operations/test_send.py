import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from operations.commands import send
from operations.commands.send import explained, known_partner, size_of, summary
from workbench.stages.errors import UserError

ROW: dict[str, Any] = {
    "file_id": "0123456789abcdef01234567",
    "route": "direct",
    "status": "Accepted",
    "lines_in": Decimal(10),
    "accepted": Decimal(9),
    "refused": {"price_invalid": Decimal(1)},
    "orders": Decimal(5),
    "total": "381.190",
    "currency": "GBP",
    "house_total": "442.86",
    "house_currency": "EUR",
}


def test_a_partner_with_a_profile_is_known() -> None:
    assert known_partner("nordwind") == "nordwind"


def test_a_misspelt_partner_is_shown_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean nordwind"):
        known_partner("nordwnd")


def test_a_strange_partner_is_shown_all() -> None:
    with pytest.raises(
        UserError, match=r"atlas-supply, epicerie-morel, nordwind, online-retail, thames-gifts"
    ):
        known_partner("xyz")


def test_a_file_must_be_there_and_be_a_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        size_of(tmp_path / "missing.csv")
    for make in (Path.mkdir, os.mkfifo):
        path = tmp_path / make.__name__
        make(path)
        with pytest.raises(UserError, match="is not a file; save what you want to send in one"):
            size_of(path)


def test_the_summary_for_programs_has_plain_values() -> None:
    assert summary(ROW, None) == {
        "file_id": "0123456789abcdef01234567",
        "route": "direct",
        "status": "Accepted",
        "error": None,
        "reason": None,
        "lines_in": 10,
        "accepted": 9,
        "refused": {"price_invalid": 1},
        "total": "381.19",
        "currency": "GBP",
        "house_total": "442.86",
        "approval": None,
    }


@pytest.mark.parametrize(
    ("row", "approval"),
    [
        ({"status": "AwaitingApproval"}, "pending"),
        (
            {"status": "Accepted", "approval": {"decision": "approved", "decided_by": "a"}},
            "approved",
        ),
        (
            {"status": "Declined", "approval": {"decision": "declined", "decided_by": "a"}},
            "declined",
        ),
    ],
)
def test_the_summary_tells_where_an_approval_stands(row: dict[str, Any], approval: str) -> None:
    assert summary(ROW | row, None)["approval"] == approval


def test_people_read_outcome_lines_and_worth() -> None:
    reported = "\n".join(explained(ROW, "orders.csv", ""))

    assert "orders.csv: Accepted by one direct call" in reported
    assert "price_invalid 1" in reported
    assert "381.19 GBP = 442.86 EUR in 5 orders" in reported
    assert "gross" not in reported


def test_people_read_what_credits_hide() -> None:
    reported = "\n".join(explained(ROW | {"house_gross": "20442.86"}, "orders.csv", ""))

    assert "gross    20,442.86 EUR, credits included" in reported


def test_people_are_reported_how_to_decide_on_their_stage() -> None:
    reported = explained(ROW | {"status": "AwaitingApproval"}, "orders.csv", " STAGE=ana")

    assert f"  make approve STAGE=ana FILE_ID={ROW['file_id']} DECISION=approved" in reported


@pytest.mark.parametrize(
    ("first", "taken", "said"),
    [
        ("Accepted", True, ""),
        ("Failed", False, "make retry STAGE=dev FILE_ID=f0"),
        ("Registered", False, "that file is Registered"),
        (None, False, "that file is gone"),
    ],
)
def test_a_duplicate_is_good_only_where_the_first_file_is_accepted(
    first: str | None, taken: bool, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "read_row", lambda *_: first and {"status": first})
    deployed: Any = None
    row = {"status": "Duplicate", "duplicate_of": "f0"}

    assert send.is_taken(deployed, row) is taken
    assert said in "\n".join(send.about_the_first(deployed, row, " STAGE=dev"))
