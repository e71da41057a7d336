"""What is announced: all fields always, no secret ever."""

from typing import Any

import msgspec
import pytest

from order_intake.domain import outcomes
from order_intake.domain.errors import InvalidInput
from order_intake.domain.results import Totals
from order_intake.domain.uploads import IncomingFile

FILE = IncomingFile(
    file_id="f1",
    bucket="b",
    key="incoming/nordwind/a.csv",
    version_id="v",
    partner="nordwind",
    size=10,
    uploaded_at="2026-03-04T12:00:00Z",
    route="workflow",
    correlation_id="e1",
)
TOTALS = Totals(3, 2, {"price_invalid": 1}, 1, "10.00", "USD", "8.00", "EUR")
AT = "2026-03-04T12:01:00Z"
ANN = outcomes.Approval("approved", "ann")
SUM_FIELDS = {"lines_in", "accepted", "refused", "orders", "total", "currency"}
SUM_FIELDS |= {"house_total", "house_currency", "house_gross"}
FIELDS = {"schema_version", "outcome", "file_id", "partner", "bucket", "key", "version_id"}
FIELDS |= {"route", "correlation_id", "reason", "explanation", "duplicate_of", "decided_by"}
FIELDS |= {
    "loaded",
    "closed_at",
    "orders_compared",
    "left_out",
    "corrects",
    "refused_file",
} | SUM_FIELDS


@pytest.mark.parametrize(
    ("announcement", "known"),
    [
        (
            outcomes.accepted(FILE, TOTALS, loaded=True, approval=ANN, closed_at=AT),
            {"outcome": "Accepted", "loaded": True, "decided_by": "ann", "house_total": "8.00"},
        ),
        (
            outcomes.accepted(FILE, TOTALS, loaded=False, approval=None, closed_at=AT),
            {"outcome": "Accepted", "loaded": False, "decided_by": None, "reason": None},
        ),
        (
            outcomes.rejected(FILE, None, "not_utf8", "line 3 …", closed_at=AT),
            {"outcome": "Rejected", "reason": "not_utf8", "lines_in": None, "loaded": None},
        ),
        (
            outcomes.declined(
                FILE,
                TOTALS,
                decided_by="ann",
                reason="approval_declined",
                explanation="no",
                loaded=False,
                closed_at=AT,
            ),
            {"outcome": "Declined", "decided_by": "ann", "reason": "approval_declined"},
        ),
        (
            outcomes.duplicate(FILE, "f0", closed_at=AT),
            {"outcome": "Duplicate", "duplicate_of": "f0", "total": None},
        ),
        (
            outcomes.failed(
                FILE, None, "RatesUnavailable", "down", decided_by=None, loaded=True, closed_at=AT
            ),
            {"outcome": "Failed", "reason": "RatesUnavailable", "loaded": True},
        ),
    ],
)
def test_an_outcome_has_all_fields_always(
    announcement: outcomes.Announcement, known: dict[str, Any]
) -> None:
    detail = msgspec.to_builtins(announcement.detail)

    assert set(detail) == FIELDS
    assert detail.items() >= {"file_id": "f1", "route": "workflow", "closed_at": AT}.items()
    assert detail.items() >= known.items()
    assert announcement.detail_type == f"OrderFile{known['outcome']}"


def test_the_question_to_a_person_has_the_sums_and_no_token() -> None:
    question = outcomes.approval_requested(
        FILE,
        TOTALS,
        question_id="f1-1-threshold",
        question="threshold",
        approval_threshold="5.00",
        orders_there=None,
        answer_by="2026-03-05T12:00:00Z",
    )

    detail = msgspec.to_builtins(question)
    assert detail.items() >= msgspec.to_builtins(TOTALS).items()
    assert not [name for name in detail if "token" in name]


def decided(**changes: Any) -> dict[str, Any]:
    detail = {"schema_version": "2.0", "file_id": "f", "question_id": "f-1-threshold"}
    detail |= {"decision": "approved", "decided_by": "ann"}
    return {
        "source": "order-intake.operators",
        "detail-type": "ApprovalDecided",
        "detail": detail | changes,
    }


def test_a_decision_is_read() -> None:
    assert outcomes.decision_of(decided()) == outcomes.ApprovalDecided(
        "2.0", "f", "f-1-threshold", "approved", "ann"
    )


@pytest.mark.parametrize(
    "event", [decided(remark="fine"), decided(schema_version="2.1", remark="fine")]
)
def test_a_decision_with_additions_is_read(event: dict[str, Any]) -> None:
    assert outcomes.decision_of(event).decision == "approved"


@pytest.mark.parametrize(
    "missing", ["schema_version", "file_id", "question_id", "decision", "decided_by"]
)
def test_a_decision_that_lacks_something_is_invalid_input(missing: str) -> None:
    event = decided()
    del event["detail"][missing]

    with pytest.raises(InvalidInput, match=missing):
        outcomes.decision_of(event)


def test_a_decision_of_version_1_names_no_question_and_is_refused_as_such() -> None:
    event = decided(schema_version="1.2")
    del event["detail"]["question_id"]

    with pytest.raises(outcomes.NoQuestionNamed, match="make approve FILE_ID=f") as refused:
        outcomes.decision_of(event)
    assert refused.value.file_id == "f"


@pytest.mark.parametrize(
    "totals",
    [
        msgspec.structs.replace(TOTALS, total="10,00"),
        msgspec.structs.replace(TOTALS, currency="dollars"),
        msgspec.structs.replace(TOTALS, orders=-1),
        msgspec.structs.replace(TOTALS, refused={"price_invalid": "1"}),
    ],
)
def test_what_does_not_fit_its_schema_is_not_announced(totals: Totals) -> None:
    with pytest.raises(InvalidInput, match="does not fit its schema"):
        outcomes.accepted(FILE, totals, loaded=True, approval=None, closed_at=AT)


@pytest.mark.parametrize(
    "event",
    [
        {},
        None,
        decided(schema_version="3.0"),
        decided(decision="maybe"),
        decided(decided_by=None),
        decided(schema_version="2"),
        decided(schema_version="20.0"),
        decided() | {"source": "order-intake"},
        decided() | {"detail-type": "OrderFileAccepted"},
    ],
)
def test_any_other_decision_is_invalid_input(event: Any) -> None:
    with pytest.raises(InvalidInput):
        outcomes.decision_of(event)
