"""FindUnfinished: finds files that nobody works on any more, and outcomes that were not announced.

It reads the ledger's index of unfinished rows, which holds only what is open or not announced: its
cost does not grow with what was ever uploaded. An outcome that stands is announced once more; a
file without one is reported, once an hour, until somebody runs it again.
"""

from datetime import UTC, datetime, timedelta
from itertools import batched

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import environment, logs, payloads
from order_intake.adapters import aws_clients, bus
from order_intake.adapters.ledger import BATCH, FileRow, Ledger
from order_intake.domain.outcomes import ReconciliationFinding
from order_intake.domain.uploads import moment
from order_intake.pipeline import announcements, handover

# A call of the direct route may come back to a file whose claim has expired, and start the
# execution that it was handed to: its event is kept for so long (MaximumEventAgeInSeconds in the
# template).
GRACE = timedelta(hours=1)
WORKING = frozenset({"RUNNING", "PENDING_REDRIVE"})


class Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing: there is no window to choose, all that is unfinished is looked at."""


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Return how many rows were looked at, outcomes announced again, and findings reported."""
    settings = environment.read(environment.FindUnfinished)
    payloads.decode(event, Payload)
    ledger, now = Ledger(settings.ledger_table), datetime.now(UTC)
    seen, announced, found = 0, 0, 0
    for file_ids in batched(ledger.unfinished(), BATCH, strict=False):
        rows = [row for row in ledger.find_all(file_ids).values() if row.unfinished]
        left = [row for row in rows if _is_left(row, now)]
        findings = [_finding(ledger, row) for row in left if not row.is_final]
        bus.announce(settings.orders_bus, "ReconciliationFinding", findings)
        for row in left:
            if row.is_final:
                _announce(settings.orders_bus, ledger, row)
        seen, found = seen + len(rows), found + len(findings)
        announced += len(left) - len(findings)
    logs.count("ReconciliationFindings", found)
    logs.logger.info("looked", files=seen, announced=announced, findings=found)
    return {"files": seen, "announced": announced, "findings": found}


def _is_left(row: FileRow, now: datetime) -> bool:
    """Tell whether nobody works on the file any more."""
    if handover.execution_name_of(row.claimed_by) is None:
        return row.claim_expires_at < (now - GRACE).timestamp()
    status = _status(row.claimed_by)
    if status is None:  # not started yet, or ended more than 90 days ago
        return moment(row.unfinished or "") < now - GRACE
    return status not in WORKING


def _status(execution: str) -> str | None:
    """Return an execution's status; None when Step Functions does not know it."""
    client = aws_clients.step_functions()
    with aws_clients.service_calls("states"):
        try:
            return client.describe_execution(executionArn=execution)["status"]
        except client.exceptions.ExecutionDoesNotExist:
            return None


def _announce(orders_bus: str, ledger: Ledger, row: FileRow) -> None:
    """Put a final row's event onto the bus, and note in the row that it is there."""
    announcement = announcements.announcement_of(row)
    bus.announce(orders_bus, announcement.detail_type, [announcement.detail])
    ledger.mark_announced(row)
    logs.logger.warning("announced again", file_id=row.file_id, outcome=row.status)


def _finding(ledger: Ledger, row: FileRow) -> ReconciliationFinding:
    """Report a file that is left without an outcome, and let the same content come again."""
    ledger.release(row)
    logs.logger.warning("finding", file_id=row.file_id, kind="upload_without_outcome")
    return ReconciliationFinding(
        kind="upload_without_outcome",
        file_id=row.file_id,
        key=row.key,
        explanation=f"the file is {row.status}, and who worked on it has ended: {row.claimed_by}",
    )
