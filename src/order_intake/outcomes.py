"""What is announced on the orders bus: outcomes, questions to a person, findings.

Event source, detail types and fields are a public interface: `SCHEMA_VERSION` changes with them.
"""

from typing import Any, Literal

import msgspec

from order_intake.assessment import Totals
from order_intake.errors import InvalidInput
from order_intake.uploads import IncomingFile

SOURCE = "order-intake"
OPERATORS_SOURCE = "order-intake.operators"
SCHEMA_VERSION = "1.0"

OutcomeName = Literal["Accepted", "Rejected", "Declined", "Duplicate", "Failed"]
Decision = Literal["approved", "declined"]
FindingKind = Literal["upload_without_outcome", "ledger_and_database_differ"]


class Approval(msgspec.Struct, frozen=True):
    """A person's decision about a file, or the clock's."""

    decision: Decision
    decided_by: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Detail of every OrderFile… event: all fields always there, null where unknown."""

    schema_version: str = SCHEMA_VERSION
    outcome: OutcomeName
    file_id: str
    partner: str
    bucket: str
    key: str
    version_id: str
    route: str
    correlation_id: str
    lines_in: int | None = None
    accepted: int | None = None
    refused: dict[str, int] | None = None
    orders: int | None = None
    total: str | None = None
    currency: str | None = None
    house_total: str | None = None
    house_currency: str | None = None
    reason: str | None = None
    explanation: str | None = None
    duplicate_of: str | None = None
    decided_by: str | None = None
    loaded: bool | None = None
    closed_at: str


class Announcement(msgspec.Struct, frozen=True):
    """One event for the orders bus."""

    detail_type: str
    detail: Outcome


class ApprovalRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Detail of the question to a person. The task token stays in the ledger."""

    schema_version: str = SCHEMA_VERSION
    file_id: str
    partner: str
    key: str
    correlation_id: str
    lines_in: int
    accepted: int
    refused: dict[str, int]
    orders: int
    total: str
    currency: str
    house_total: str
    house_currency: str
    approval_threshold: str
    answer_by: str


class ApprovalDecided(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Detail of a person's answer."""

    schema_version: Literal["1.0"]
    file_id: str
    decision: Decision
    decided_by: str


class SettlementFinding(msgspec.Struct, frozen=True, kw_only=True):
    """Detail of something that the daily settlement found amiss."""

    schema_version: str = SCHEMA_VERSION
    kind: FindingKind
    file_id: str
    key: str
    explanation: str


class _Decided(msgspec.Struct, rename={"detail_type": "detail-type"}):
    source: Literal["order-intake.operators"]
    detail_type: Literal["ApprovalDecided"]
    detail: ApprovalDecided


def accepted(
    file: IncomingFile, totals: Totals, *, loaded: bool, approval: Approval | None, closed_at: str
) -> Announcement:
    """Announce a file whose lines are now orders."""
    decided_by = approval.decided_by if approval else None
    return _announce(
        "Accepted", file, totals, loaded=loaded, decided_by=decided_by, closed_at=closed_at
    )


def rejected(
    file: IncomingFile, totals: Totals | None, reason: str, explanation: str, *, closed_at: str
) -> Announcement:
    """Announce a file that its partner has to put right; no totals when it was not read."""
    return _announce(
        "Rejected", file, totals, reason=reason, explanation=explanation, closed_at=closed_at
    )


def declined(
    file: IncomingFile, totals: Totals, *, decided_by: str, explanation: str, closed_at: str
) -> Announcement:
    """Announce a file that a person declined, or about which nobody answered in time."""
    return _announce(
        "Declined",
        file,
        totals,
        decided_by=decided_by,
        explanation=explanation,
        closed_at=closed_at,
    )


def duplicate(file: IncomingFile, duplicate_of: str, *, closed_at: str) -> Announcement:
    """Announce a file whose content the same partner has sent before."""
    explanation = f"the same content came before as file {duplicate_of}"
    return _announce(
        "Duplicate",
        file,
        None,
        duplicate_of=duplicate_of,
        explanation=explanation,
        closed_at=closed_at,
    )


def failed(
    file: IncomingFile, totals: Totals | None, reason: str, explanation: str, *, closed_at: str
) -> Announcement:
    """Announce a file that we could not finish; `reason` is the error's name."""
    return _announce(
        "Failed", file, totals, reason=reason, explanation=explanation, closed_at=closed_at
    )


def approval_requested(
    file: IncomingFile, totals: Totals, *, approval_threshold: str, answer_by: str
) -> ApprovalRequested:
    """Put the question to a person: may this file be loaded?"""
    return ApprovalRequested(
        file_id=file.file_id,
        partner=file.partner,
        key=file.key,
        correlation_id=file.correlation_id,
        approval_threshold=approval_threshold,
        answer_by=answer_by,
        **msgspec.structs.asdict(totals),
    )


def decision_of(event: Any) -> ApprovalDecided:
    """Read an ApprovalDecided event of EventBridge; raises InvalidInput for anything else."""
    try:
        return msgspec.convert(event, type=_Decided).detail
    except msgspec.ValidationError as error:
        raise InvalidInput(f"no `ApprovalDecided` event of version 1.0: {error}") from error


def _announce(
    outcome: OutcomeName, file: IncomingFile, totals: Totals | None, **known: Any
) -> Announcement:
    sums = msgspec.structs.asdict(totals) if totals else {}
    detail = Outcome(
        outcome=outcome,
        file_id=file.file_id,
        partner=file.partner,
        bucket=file.bucket,
        key=file.key,
        version_id=file.version_id,
        route=file.route,
        correlation_id=file.correlation_id,
        **sums,
        **known,
    )
    return Announcement(f"OrderFile{outcome}", detail)
