"""CurateFile: keeps the lines of an accepted file and writes its outcome."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import environment, logs, payloads
from order_intake.adapters.ledger import LEASE_WORKFLOW, Claim, Ledger
from order_intake.adapters.object_store import ObjectStore
from order_intake.domain.outcomes import Approval
from order_intake.domain.results import Totals
from order_intake.pipeline import announcements, steps


class Payload(payloads.Step, frozen=True, kw_only=True):
    """What the workflow hands in; `loaded` comes from executions of earlier definitions only."""

    claimant: str | None = None
    chunks: int
    totals: Totals
    loaded: bool | None = None
    approval: Approval | None = None


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Give the announcement of the outcome Accepted."""
    settings = environment.read(environment.CurateFile)
    payload = payloads.decode(event, Payload)
    payload.log()
    now = datetime.now(UTC)
    row = steps.curate(
        ObjectStore(settings.uploads_bucket),
        Ledger(settings.ledger_table),
        payload.file,
        payload.chunks,
        payload.totals,
        payload.approval,
        Claim(payload.claimant, LEASE_WORKFLOW, now),
        now,
        loaded=payload.loaded,
    )
    announcements.note(row)
    return {"announcement": payloads.encode(announcements.announcement_of(row))}
