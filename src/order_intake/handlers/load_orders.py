"""LoadOrders: loads a file's priced lines into the orders database, wholly or not at all."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import environment, logs, payloads
from order_intake.adapters.ledger import LEASE_WORKFLOW, Claim, ClosedOtherwise, FileRow, Ledger
from order_intake.adapters.object_store import ObjectStore
from order_intake.domain.chunks import FileRefusal
from order_intake.domain.results import OrdersThere, Totals
from order_intake.pipeline import announcements, loading, steps


class Payload(payloads.Step, frozen=True, kw_only=True):
    """What the workflow hands in; `claimant` is the execution's id."""

    claimant: str | None = None
    chunks: int
    totals: Totals
    only_new: bool = False
    """Leave out the orders that are there already: a person has said so."""


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Give status `loaded`, `orders_there`, `duplicate` or `refused`, and what belongs to it."""
    settings = environment.read(environment.LoadOrders)
    payload = payloads.decode(event, Payload)
    file, ledger = payload.file, Ledger(settings.ledger_table)
    payload.log()
    claim = Claim(payload.claimant, LEASE_WORKFLOW, datetime.now(UTC))
    store, secret = ObjectStore(settings.uploads_bucket), settings.database_secret_arn
    try:
        found = loading.load(
            store,
            ledger,
            secret,
            file,
            payload.chunks,
            payload.totals,
            claim,
            only_new=payload.only_new,
        )
    except ClosedOtherwise:
        row = ledger.find(file.file_id)
        if row and row.claimed_by == payload.claimant and row.status == "Duplicate":
            # This call's first try got that far, and its answer was lost.
            return _duplicate(row)
        raise
    match found:
        case steps.Duplicate():
            return _duplicate(steps.close_duplicate(ledger, file, found.first, claim, claim.now))
        case FileRefusal():
            logs.logger.info("refused", reason=found.reason)
            return {"status": "refused"} | payloads.encode(found)
        case OrdersThere():
            counts = {kind: getattr(found, kind).count for kind in ("new", "same", "changed")}
            logs.logger.info("orders_there", **counts)
            return {"status": "orders_there"}
    lines, left_out = found.loaded.lines, found.skipped.lines
    logs.logger.info("loaded", lines=lines, left_out=left_out, already_loaded=found.again)
    return {
        "status": "loaded",
        "lines": lines,
        "left_out": left_out,
        "already_loaded": found.again,
    }


def _duplicate(row: FileRow) -> logs.Json:
    announcements.note(row)
    announcement = payloads.encode(announcements.announcement_of(row))
    return {"status": "duplicate", "announcement": announcement}
