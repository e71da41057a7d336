"""RegisterFile: claims an upload for an execution, checks it, and cuts it into chunks.

The content is read once, as a stream: for its hash, its check and the ends of its rows.
"""

from datetime import UTC, datetime

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import environment, logs, payloads
from order_intake.adapters.ledger import LEASE_WORKFLOW, Claim, FileRow, Ledger, Taken
from order_intake.adapters.object_store import ObjectStore
from order_intake.domain import chunks, uploads
from order_intake.pipeline import announcements, handover, steps


class Payload(msgspec.Struct, frozen=True):
    """What the workflow hands in; `claimant` is the execution's id."""

    upload: uploads.Upload
    claimant: str
    route: uploads.Route


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Give status `registered`, `refused`, `duplicate` or `taken`, and what belongs to it."""
    settings = environment.read(environment.RegisterFile)
    payload = payloads.decode(event, Payload)
    file = uploads.incoming_file(payload.upload, payload.route)
    logs.about(
        file_id=file.file_id,
        correlation_id=file.correlation_id,
        execution=handover.execution_name_of(payload.claimant),
    )
    ledger, store = Ledger(settings.ledger_table), ObjectStore(settings.uploads_bucket)
    now = datetime.now(UTC)
    claim = ledger.claim(file, payload.claimant, LEASE_WORKFLOW, now)
    if isinstance(claim, Taken):
        if claim.row.claimed_by == payload.claimant and claim.row.status == "Duplicate":
            # This call's first try got that far, and its answer was lost.
            return _duplicate(claim.row)
        logs.logger.info("taken", by=claim.row.claimed_by, status=claim.row.status)
        return {"status": "taken"}
    file = claim.row.file  # of the first run: a later one may be told another time
    found = steps.register(store, ledger, file, settings.max_file_bytes, now)
    match found:
        case chunks.FileRefusal():
            logs.logger.info("refused", reason=found.reason)
            return {"status": "refused", "file": payloads.encode(file)} | payloads.encode(found)
        case steps.Duplicate():
            mine = Claim(payload.claimant, LEASE_WORKFLOW, now)
            return _duplicate(steps.close_duplicate(ledger, file, found.first, mine, now))
    manifest = uploads.manifest_key(file.file_id)
    store.put_json(manifest, found.chunks)
    logs.logger.info("registered", chunks=len(found.chunks), size=file.size)
    return {
        "status": "registered",
        "file": payloads.encode(file),
        "manifest": {"bucket": store.bucket, "key": manifest},
        "chunks": len(found.chunks),
    }


def _duplicate(row: FileRow) -> logs.Json:
    announcements.note(row)
    return {
        "status": "duplicate",
        "file": payloads.encode(row.file),
        "announcement": payloads.encode(announcements.announcement_of(row)),
    }
