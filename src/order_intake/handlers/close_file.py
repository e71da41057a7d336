"""CloseFile: writes the outcome of a file that was declined, or that could not be finished."""

from datetime import UTC, datetime
from typing import Literal

from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import environment, logs, payloads
from order_intake.adapters.ledger import Ledger
from order_intake.domain.outcomes import Approval
from order_intake.domain.results import Totals
from order_intake.pipeline import announcements, steps


class Payload(payloads.Step, frozen=True, kw_only=True):
    """What the workflow hands in; `claimant` is the execution's id."""

    claimant: str
    outcome: Literal["Declined", "Failed"]
    reason: str
    """Of a file that failed: the error's name."""
    explanation: str | None = None
    totals: Totals | None = None
    approval: Approval | None = None


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Give the announcement of the outcome.

    Raises ClosedOtherwise when the file has another outcome, or is another claimant's.
    """
    settings = environment.read(environment.CloseFile)
    payload = payloads.decode(event, Payload)
    payload.log()
    details = f"The history of the execution {payload.execution} has the details."
    row = steps.close_unfinished(
        Ledger(settings.ledger_table),
        payload.file,
        payload.outcome,
        payload.totals,
        reason=payload.reason,
        explanation=payload.explanation or details,
        approval=payload.approval,
        claimant=payload.claimant,
        now=datetime.now(UTC),
    )
    announcements.note(row)
    return {"announcement": payloads.encode(announcements.announcement_of(row))}
