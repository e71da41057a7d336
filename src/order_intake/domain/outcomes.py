"""What is announced on the orders bus: outcomes, questions to a person, findings.

Event source, detail types and fields are a public interface, and events/schemas/ holds what was
released of it: `SCHEMA_VERSION` changes with them, its second number for additions, its first for
everything else. What reads such an event takes additions, and refuses another first number.
"""

import contextlib
from typing import Annotated, Any, Literal

import msgspec

from order_intake.domain.errors import InvalidInput
from order_intake.domain.results import Figures, Orders, OrdersThere, Totals
from order_intake.domain.uploads import IncomingFile, Route

SOURCE = "order-intake"
OPERATORS_SOURCE = "order-intake.operators"
SCHEMA_VERSION = "2.0"

OutcomeName = Literal["Accepted", "Rejected", "Declined", "Duplicate", "Failed"]
Decision = Literal["approved", "declined"]
QuestionKind = Literal["threshold", "orders"]
FindingKind = Literal["upload_without_outcome", "ledger_and_database_differ"]
Version = Annotated[str, msgspec.Meta(pattern=r"^2\.[0-9]+$")]
OldVersion = Annotated[str, msgspec.Meta(pattern=r"^1\.[0-9]+$")]
ReadVersion = Annotated[str, msgspec.Meta(pattern=r"^[12]\.[0-9]+$")]
Count = Annotated[int, msgspec.Meta(ge=0)]
Amount = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")]


class Approval(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person's decision about a file, or the clock's."""

    decision: Decision
    decided_by: str
    question_id: str | None = None
    """The question that it answers; None for the clock's, and for one of before version 2."""


class LeftOut(msgspec.Struct, frozen=True):
    """What of an accepted file was not loaded, because earlier files had brought these orders."""

    lines: Count
    orders: Count
    total: Amount
    house_total: Amount
    changed: Count
    """Orders among them in which this file says something else. Nothing of it was applied."""
    changed_orders: list[str]
    """Their numbers in order, the first 100."""

    @staticmethod
    def of(skipped: Figures, changed: Orders | None) -> "LeftOut":
        """Give the figures that the database left out, with the orders that have changed."""
        changed = changed or Orders(0, [])
        return LeftOut(
            skipped.lines,
            skipped.orders,
            skipped.total,
            skipped.house_total,
            changed.count,
            changed.invoices,
        )


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Detail of every OrderFile… event: all fields always there, null where unknown.

    A field that version 1 did not have needs a default here: see `ReadableOutcome`.
    """

    schema_version: Version
    outcome: OutcomeName
    file_id: str
    partner: str
    bucket: str
    key: str
    version_id: str
    route: Route
    correlation_id: str
    lines_in: Count | None
    accepted: Count | None
    refused: dict[str, Count] | None
    orders: Count | None
    total: Amount | None
    currency: Currency | None
    house_total: Amount | None
    house_currency: Currency | None
    reason: str | None
    explanation: str | None
    duplicate_of: str | None
    decided_by: str | None
    loaded: bool | None
    orders_compared: bool | None = None
    """Of an accepted file: whether its orders were compared with those that the database has."""
    left_out: LeftOut | None = None
    corrects: str | None = None
    """The file whose refused lines this one brings."""
    refused_file: str | None = None
    """Key of an accepted file's refused lines in its partner's own format, to be corrected."""
    closed_at: str
    house_gross: Amount | None = None
    """Sum of the sizes of the lines' house amounts; `house_total` is the net sum."""


class ReadableOutcome(Outcome, frozen=True, kw_only=True):
    """An outcome as a reader takes it: one of version 1 says the same about the same fields.

    Queues and the archive keep such events, and executions that began before an update send them.
    """

    schema_version: ReadVersion


class Announcement(msgspec.Struct, frozen=True):
    """One event for the orders bus."""

    detail_type: str
    detail: Outcome


class ApprovalRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Detail of the question to a person. The task token stays in the ledger."""

    schema_version: Version
    question_id: str
    """Names this one question: another run of the file, or another reason to ask, has another."""
    question: QuestionKind
    """Why a person is asked: the file is worth more than the partner's threshold, or some of its
    orders are there already."""
    file_id: str
    partner: str
    key: str
    correlation_id: str
    lines_in: Count
    accepted: Count
    refused: dict[str, Count]
    orders: Count
    total: Amount
    currency: Currency
    house_total: Amount
    house_currency: Currency
    house_gross: Amount | None
    """What the threshold is about; null where a part was priced before it was known."""
    approval_threshold: Amount
    orders_there: OrdersThere | None
    """With the question `orders`: which orders are new, the same as before, and changed."""
    answer_by: str


class ApprovalDecided(msgspec.Struct, frozen=True):
    """Detail of a person's answer to one question."""

    schema_version: Version
    file_id: str
    question_id: str
    decision: Decision
    decided_by: str


class ReconciliationFinding(msgspec.Struct, frozen=True, kw_only=True):
    """Detail of something that the daily reconciliation found wrong."""

    schema_version: Version = SCHEMA_VERSION
    kind: FindingKind
    file_id: str
    key: str
    explanation: str


class _Decided(msgspec.Struct, rename={"detail_type": "detail-type"}):
    source: Literal["order-intake.operators"]
    detail_type: Literal["ApprovalDecided"]
    detail: ApprovalDecided


class _OldDecision(msgspec.Struct):
    schema_version: OldVersion
    file_id: str


class _OldDecided(msgspec.Struct, rename={"detail_type": "detail-type"}):
    source: Literal["order-intake.operators"]
    detail_type: Literal["ApprovalDecided"]
    detail: _OldDecision


class NoQuestionNamed(Exception):
    """A decision of schema version 1: it names a file, and so may be about an earlier question."""

    def __init__(self, file_id: str, version: str) -> None:
        super().__init__(
            f"a decision of schema version {version} does not say which question it answers; "
            f"decide again: make approve FILE_ID={file_id} DECISION=…"
        )
        self.file_id = file_id


def accepted(
    file: IncomingFile,
    totals: Totals,
    *,
    loaded: bool,
    approval: Approval | None,
    orders_compared: bool = False,
    left_out: LeftOut | None = None,
    closed_at: str,
) -> Announcement:
    """Announce a file whose lines are now orders, all but those that were left out."""
    return _announce(
        "Accepted",
        file,
        totals,
        loaded=loaded,
        decided_by=approval.decided_by if approval else None,
        orders_compared=orders_compared,
        left_out=left_out,
        closed_at=closed_at,
    )


def rejected(
    file: IncomingFile, totals: Totals | None, reason: str, explanation: str, *, closed_at: str
) -> Announcement:
    """Announce a file that its partner has to put right; no totals when it was not read."""
    return _announce(
        "Rejected", file, totals, reason=reason, explanation=explanation, closed_at=closed_at
    )


def declined(
    file: IncomingFile,
    totals: Totals,
    *,
    decided_by: str,
    reason: str,
    explanation: str,
    loaded: bool | None,
    closed_at: str,
) -> Announcement:
    """Announce a file that a person declined, or about which nobody answered in time."""
    return _announce(
        "Declined",
        file,
        totals,
        decided_by=decided_by,
        reason=reason,
        explanation=explanation,
        loaded=loaded,
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
    file: IncomingFile,
    totals: Totals | None,
    reason: str,
    explanation: str,
    *,
    decided_by: str | None,
    loaded: bool | None,
    closed_at: str,
) -> Announcement:
    """Announce a file that we could not finish; `reason` is the error's name.

    Its lines may be in the database all the same; `loaded` is None when that is not known.
    """
    return _announce(
        "Failed",
        file,
        totals,
        reason=reason,
        explanation=explanation,
        decided_by=decided_by,
        loaded=loaded,
        closed_at=closed_at,
    )


def approval_requested(
    file: IncomingFile,
    totals: Totals,
    *,
    question_id: str,
    question: QuestionKind,
    approval_threshold: str,
    orders_there: OrdersThere | None,
    answer_by: str,
) -> ApprovalRequested:
    """Put the question to a person: may this file be loaded?"""
    return ApprovalRequested(
        schema_version=SCHEMA_VERSION,
        question_id=question_id,
        question=question,
        file_id=file.file_id,
        partner=file.partner,
        key=file.key,
        correlation_id=file.correlation_id,
        approval_threshold=approval_threshold,
        orders_there=orders_there,
        answer_by=answer_by,
        **msgspec.structs.asdict(totals),
    )


def decision_of(event: Any) -> ApprovalDecided:
    """Read an ApprovalDecided event of EventBridge.

    Raises NoQuestionNamed for one of schema version 1, and InvalidInput for anything else.
    """
    try:
        return msgspec.convert(event, type=_Decided).detail
    except msgspec.ValidationError as error:
        with contextlib.suppress(msgspec.ValidationError):
            old = msgspec.convert(event, type=_OldDecided).detail
            raise NoQuestionNamed(old.file_id, old.schema_version) from None
        raise InvalidInput(f"not a valid `ApprovalDecided` event of version 2: {error}") from error


def check(detail: object) -> None:
    """Hold a struct against its own types, as a reader would; InvalidInput when it does not fit.

    Python checks no types when a struct is made: an event that nobody can read must not go out.
    """
    try:
        msgspec.convert(msgspec.to_builtins(detail), type(detail))
    except msgspec.ValidationError as error:
        raise InvalidInput(f"what was to be announced does not fit its schema: {error}") from error


def _announce(
    outcome: OutcomeName, file: IncomingFile, totals: Totals | None, **known: Any
) -> Announcement:
    fields: dict[str, Any] = dict.fromkeys(Outcome.__struct_fields__)
    fields |= {name: getattr(file, name) for name in fields if hasattr(file, name)}
    fields |= msgspec.structs.asdict(totals) if totals else {}
    fields |= {"schema_version": SCHEMA_VERSION, "outcome": outcome} | known
    detail = Outcome(**fields)
    check(detail)
    return Announcement(f"OrderFile{outcome}", detail)
