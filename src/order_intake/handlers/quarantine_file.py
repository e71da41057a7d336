"""QuarantineFile: keeps what was refused of a rejected file, and why, and writes its outcome."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import environment, logs, payloads
from order_intake.adapters.ledger import LEASE_WORKFLOW, Claim, Ledger
from order_intake.adapters.object_store import ObjectStore
from order_intake.domain import chunks
from order_intake.domain.results import Totals
from order_intake.pipeline import announcements, steps


class Payload(payloads.Step, frozen=True, kw_only=True):
    """What the workflow hands in; no totals when the file was refused before its lines."""

    claimant: str | None = None
    reason: chunks.FileReason
    explanation: str
    chunks: int = 0
    totals: Totals | None = None


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Give the announcement of the outcome Rejected."""
    settings = environment.read(environment.QuarantineFile)
    payload = payloads.decode(event, Payload)
    payload.log()
    now = datetime.now(UTC)
    row = steps.quarantine(
        ObjectStore(settings.uploads_bucket),
        Ledger(settings.ledger_table),
        payload.file,
        payload.chunks,
        payload.totals,
        chunks.FileRefusal(payload.reason, payload.explanation),
        Claim(payload.claimant, LEASE_WORKFLOW, now),
        now,
    )
    announcements.note(row)
    return {"announcement": payloads.encode(announcements.announcement_of(row))}
