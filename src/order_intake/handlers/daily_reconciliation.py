"""DailyReconciliation: finds uploads without a row, and files whose ledger and database differ.

One pass looks at all versions under `incoming/`, in the order of their keys, and picks those that
came since the pass before it. Where it has come to is kept in the ledger: a call that is out of
time ends, and the next one goes on from there.
"""

from datetime import UTC, datetime, timedelta

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import environment, logs, payloads
from order_intake.adapters import bus
from order_intake.adapters.ledger import FileRow, Ledger, UploadPass
from order_intake.adapters.object_store import ObjectStore, Version
from order_intake.domain import clock, uploads
from order_intake.domain.outcomes import ReconciliationFinding
from order_intake.pipeline import reconciliation

FIRST = timedelta(days=2)  # how far back the first pass looks
AGAIN = timedelta(days=1)  # so much of the pass before is looked at once more
GRACE = timedelta(hours=1)  # what came since is still under way
# A page of 1,000 versions takes seconds; the slowest query of the database one minute.
MARGIN_MS = 120_000


class Payload(msgspec.Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """Times in ISO 8601, UTC. With `from` or `to`, a pass of its own over that time alone."""

    since: str | None = None
    until: str | None = None
    scheduled_at: str | None = None


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Announce each finding, and give how many uploads were looked at and how many findings."""
    settings = environment.read(environment.DailyReconciliation)
    payload = payloads.decode(event, Payload)
    ledger, now = Ledger(settings.ledger_table), datetime.now(UTC)
    due = uploads.moment(payload.scheduled_at) if payload.scheduled_at else now
    by_hand = payload.since or payload.until
    at = _by_hand(payload, due) if by_hand else _next(ledger.upload_pass(), due)
    pages = ObjectStore(settings.uploads_bucket).version_pages(uploads.INCOMING, at.key, at.version)
    seen, found = 0, 0
    for versions, key, version in pages:
        looked_at, findings = _reconcile(settings, ledger, _of_pass(versions, at), now)
        seen, found = seen + looked_at, found + findings
        at = msgspec.structs.replace(at, key=key, version=version)
        if not by_hand:
            ledger.keep_upload_pass(at)
        if not at.is_over and context.get_remaining_time_in_millis() < MARGIN_MS:
            logs.logger.warning("to be continued", behind=at.key)
            break
    logs.count("ReconciliationFindings", found)
    logs.logger.info("reconciled", uploads=seen, findings=found)
    return {"uploads": seen, "findings": found}


def _by_hand(payload: Payload, due: datetime) -> UploadPass:
    since = uploads.moment(payload.since) if payload.since else due - FIRST
    until = uploads.moment(payload.until) if payload.until else due - GRACE
    return UploadPass(since=clock.stamp(since), until=clock.stamp(until))


def _next(before: UploadPass | None, due: datetime) -> UploadPass:
    """Return the pass that is under way, or one that begins where the one before it ended."""
    if before and not before.is_over:
        return before
    if before is None:
        return UploadPass(since=clock.stamp(due - FIRST), until=clock.stamp(due - GRACE))
    reached = uploads.moment(before.until)
    until = max(reached, due - GRACE)  # a schedule's time that comes late takes nothing back
    return UploadPass(since=clock.stamp(reached - AGAIN), until=clock.stamp(until))


def _of_pass(versions: list[Version], at: UploadPass) -> list[Version]:
    since, until = uploads.moment(at.since), uploads.moment(at.until)
    return [each for each in versions if since <= each.uploaded_at < until]


def _reconcile(
    settings: environment.DailyReconciliation,
    ledger: Ledger,
    versions: list[Version],
    now: datetime,
) -> tuple[int, int]:
    """Look at some uploads and announce what is found: how many there were, how many findings."""
    by_id = reconciliation.identities(settings.uploads_bucket, versions)
    rows = ledger.find_all(by_id)
    findings = reconciliation.without_outcome(by_id, rows, now)
    findings += _differing(settings.database_secret_arn, rows)
    for one in findings:
        logs.logger.warning("finding", file_id=one.file_id, kind=one.kind)
    bus.announce(settings.orders_bus, "ReconciliationFinding", findings)
    return len(by_id), len(findings)


def _differing(secret_arn: str, rows: dict[str, FileRow]) -> list[ReconciliationFinding]:
    if secret_arn == environment.NOT_CONFIGURED or not rows:
        return []
    from order_intake.adapters import database  # only where the stage has one: it is slow to import

    with database.connection(secret_arn) as connected:
        loaded = database.loaded_files(connected, list(rows))
    return reconciliation.differing(rows.values(), loaded)
