"""DailySettlement: finds uploads without an outcome, and files whose books differ."""

from datetime import UTC, datetime, timedelta
from itertools import batched

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import bus, environment, logs, payloads, settlement, uploads
from order_intake.ledger import FileRow, Ledger
from order_intake.object_store import ObjectStore
from order_intake.outcomes import SettlementFinding

WINDOW = timedelta(days=2)  # a day and one more, so that a day's run may fail
GRACE = timedelta(hours=1)  # what came since is still under way
BATCH = 500


class Payload(msgspec.Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """Times in ISO 8601, UTC; by default the two days before the schedule's time, or before now."""

    since: str | None = None
    until: str | None = None
    scheduled_at: str | None = None


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Announce each finding, and give how many uploads were looked at and how many findings."""
    settings = environment.read(environment.DailySettlement)
    payload = payloads.decode(event, Payload)
    now = datetime.now(UTC)
    due = uploads.moment(payload.scheduled_at) if payload.scheduled_at else now
    since = uploads.moment(payload.since) if payload.since else due - WINDOW
    until = uploads.moment(payload.until) if payload.until else due - GRACE
    store = ObjectStore(settings.uploads_bucket)
    versions = store.versions(uploads.INCOMING, since, until)
    seen, found = 0, 0
    for some in batched(versions, BATCH, strict=False):
        by_id = settlement.identities(store.bucket, some)
        rows = Ledger(settings.ledger_table).find_all(by_id)
        findings = settlement.without_outcome(by_id, rows, now)
        findings += _differing(settings.database_secret_arn, rows)
        for one in findings:
            logs.logger.warning("finding", file_id=one.file_id, kind=one.kind)
        bus.announce(settings.orders_bus, "SettlementFinding", findings)
        seen, found = seen + len(by_id), found + len(findings)
    logs.count("SettlementFindings", found)
    logs.logger.info("settled", uploads=seen, findings=found)
    return {"uploads": seen, "findings": found}


def _differing(secret_arn: str, rows: dict[str, FileRow]) -> list[SettlementFinding]:
    if secret_arn == environment.NOT_CONFIGURED or not rows:
        return []
    from order_intake import database  # only where the stage has one: it is slow to import

    with database.connection(secret_arn) as connected:
        loaded = database.count_lines(connected, list(rows))
    return settlement.differing(rows.values(), loaded)
