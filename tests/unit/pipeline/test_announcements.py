"""From a final row to its event."""

from typing import Any

import pytest

from order_intake.adapters.ledger import FileRow
from order_intake.domain.outcomes import Approval
from order_intake.pipeline.announcements import announcement_of

SUMS: dict[str, Any] = {
    "lines_in": 3,
    "accepted": 2,
    "refused": {"price_invalid": 1},
    "orders": 1,
    "total": "10.00",
    "currency": "GBP",
    "house_total": "11.62",
    "house_currency": "EUR",
}


def row(status: str, **more: Any) -> FileRow:
    return FileRow(
        file_id="f1",
        partner="nordwind",
        bucket="uploads",
        key="incoming/nordwind/a.csv",
        version_id="v1",
        size=10,
        uploaded_at="2026-03-02T11:00:00Z",
        route="direct",
        correlation_id="c-1",
        status=status,
        claimed_by="r",
        closed_at="2026-03-02T12:00:00Z",
        **more,
    )


@pytest.mark.parametrize(
    ("final", "reported"),
    [
        (row("Accepted", loaded=True, **SUMS), {"loaded": True, "house_total": "11.62"}),
        (row("Rejected", reason="empty_file", explanation="x"), {"reason": "empty_file"}),
        (
            row(
                "Declined",
                approval=Approval("declined", "ann"),
                reason="approval_declined",
                explanation="no",
                loaded=False,
                **SUMS,
            ),
            {"decided_by": "ann", "reason": "approval_declined", "accepted": 2, "loaded": False},
        ),
        (row("Duplicate", duplicate_of="f0"), {"duplicate_of": "f0", "lines_in": None}),
        (row("Failed", reason="RatesRefused", explanation="x"), {"reason": "RatesRefused"}),
        (
            row("Failed", approval=Approval("approved", "ann"), loaded=True, **SUMS),
            {"decided_by": "ann", "loaded": True, "accepted": 2},
        ),
    ],
)
def test_each_outcome_says_what_its_row_says(final: FileRow, reported: dict[str, Any]) -> None:
    announcement = announcement_of(final)

    assert announcement.detail_type == f"OrderFile{final.status}"
    assert announcement.detail.closed_at == final.closed_at
    assert {name: getattr(announcement.detail, name) for name in reported} == reported


def test_a_row_without_an_outcome_has_nothing_to_announce() -> None:
    with pytest.raises(ValueError, match="Registered"):
        announcement_of(row("Registered"))
