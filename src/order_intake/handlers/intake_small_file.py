"""IntakeSmallFile: the direct route. One call takes a small file from its upload to its outcome.

It goes the workflow's steps one after the other. Lambda's own retries of an asynchronous call are
its Retry: the same request comes again, meets its own claim and goes on. They end after three
minutes, and a call cannot wait; the workflow can, for hours. So a file is handed over to it that
needs a person's approval, whose database or rates API is not there, or that is still refused by an
AWS service at the last attempt. A permanent error makes it Failed at once, as in the workflow; so
does a bug at the last attempt, and the call ends in the dead-letter queue.
"""

from datetime import UTC, datetime, timedelta

from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import deadline, environment, logs
from order_intake.adapters import bus
from order_intake.adapters.ledger import Claim, Claimed, ClosedOtherwise, FileRow, Ledger
from order_intake.adapters.object_store import ObjectStore
from order_intake.domain import uploads
from order_intake.domain.chunks import FileRefusal, Survey
from order_intake.domain.errors import (
    DatabaseUnavailable,
    PermanentError,
    RatesUnavailable,
    TransientError,
)
from order_intake.domain.results import OrdersThere, Totals
from order_intake.pipeline import announcements, handover, steps

LEASE_MARGIN = timedelta(seconds=30)  # for clocks that differ
# Who is not there now will hardly be in a minute or two, and a thousand calls that knock again at
# once keep a database busy that has no connection left: no second attempt here.
AWAY = (DatabaseUnavailable, RatesUnavailable)


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Give the file's outcome, or `handed_over`, or `taken` when another call has the file."""
    settings = environment.read(environment.IntakeSmallFile)
    file = uploads.incoming_file(uploads.upload_of(event), "direct")
    logs.about(file_id=file.file_id, correlation_id=file.correlation_id)
    ledger = Ledger(settings.ledger_table)
    now = datetime.now(UTC)
    # As long as this call can run, and no longer: after that nobody works on the file.
    lease = timedelta(milliseconds=context.get_remaining_time_in_millis()) + LEASE_MARGIN
    claim = ledger.claim(file, context.aws_request_id, lease, now)
    if not isinstance(claim, Claimed):
        return _met(settings, ledger, claim.row, context.aws_request_id, event, now)
    try:
        with deadline.before_timeout(context):
            held = Claim(claim.row.claimed_by, lease, now)
            return _work(settings, ledger, claim.row, held, event)
    except PermanentError as error:
        if not _give_up(settings, ledger, claim.row, error):
            raise
        return {"file_id": file.file_id, "outcome": "Failed"}
    except TransientError as error:
        if claim.attempts < settings.max_attempts and not isinstance(error, AWAY):
            raise
        if not _is_handed_over(settings, ledger, claim.row, event, error):
            raise
        return {"file_id": file.file_id, "outcome": "handed_over"}
    except Exception as error:
        if claim.attempts >= settings.max_attempts:
            _give_up(settings, ledger, claim.row, error)
        raise


def _met(
    settings: environment.IntakeSmallFile,
    ledger: Ledger,
    row: FileRow,
    claimant: str,
    event: object,
    now: datetime,
) -> logs.Json:
    """Answer for a file that cannot be claimed, finishing what an earlier try left undone.

    That is an outcome whose event did not get out, or a workflow that was named but not started.
    A try is over when it was this call's own, or when its claim has expired.
    """
    over = row.claimed_by == claimant or row.claim_expires_at < now.timestamp()
    if row.is_final and row.route == "direct" and not row.announced and over:
        _announce(settings, ledger, row)
        return {"file_id": row.file_id, "outcome": row.status}
    if handover.is_unfinished(row):
        handover.start(settings.order_intake_state_machine_arn, row, event)
        return {"file_id": row.file_id, "outcome": "handed_over"}
    logs.logger.info("taken", by=row.claimed_by, status=row.status)
    return {"file_id": row.file_id, "outcome": "taken"}


def _work(
    settings: environment.IntakeSmallFile,
    ledger: Ledger,
    claimed: FileRow,
    claim: Claim,
    event: object,
) -> logs.Json:
    """Bring a claimed file to its outcome and tell it, or hand the file over."""
    row = _take_in(settings, ledger, claimed.file, claim)
    if row is None:
        machine = settings.order_intake_state_machine_arn
        handover.hand_over(machine, ledger, claimed, event, datetime.now(UTC))
        logs.logger.info("handed_over", execution=handover.execution_name(claimed))
        return {"file_id": claimed.file_id, "outcome": "handed_over"}
    _announce(settings, ledger, row)
    return {"file_id": row.file_id, "outcome": row.status}


def _take_in(
    settings: environment.IntakeSmallFile,
    ledger: Ledger,
    file: uploads.IncomingFile,
    claim: Claim,
) -> FileRow | None:
    """Bring a claimed file to its outcome and give its final row; None: a person must decide."""
    store = ObjectStore(settings.uploads_bucket)
    found = steps.register(store, ledger, file, settings.max_file_bytes, claim.now)
    if isinstance(found, FileRefusal):
        return steps.quarantine(store, ledger, file, 0, None, found, claim, claim.now)
    if isinstance(found, steps.Duplicate):
        return steps.close_duplicate(ledger, file, found.first, claim, claim.now)
    rates = steps.rates_of(ledger, settings.rates_api_secret_arn, file)
    results = [steps.price(store, file, chunk, rates) for chunk in found.chunks]
    assessed = steps.assess_file(file, results, steps.profile_of(file).terms())
    if assessed.verdict == "approve":
        return None
    if assessed.verdict == "reject":
        refusal, totals = steps.refusal_of(assessed), assessed.totals
        now = datetime.now(UTC)
        return steps.quarantine(store, ledger, file, len(results), totals, refusal, claim, now)
    return _accept(settings, ledger, store, file, found, assessed.totals, claim)


def _accept(
    settings: environment.IntakeSmallFile,
    ledger: Ledger,
    store: ObjectStore,
    file: uploads.IncomingFile,
    survey: Survey,
    totals: Totals,
    claim: Claim,
) -> FileRow | None:
    """Load the file's lines where the stage has a database, keep them, and close the file.

    None when orders of the file are there already: a person must decide.
    """
    count, secret = len(survey.chunks), settings.database_secret_arn
    if secret != environment.NOT_CONFIGURED:
        # Only here: the driver takes time to import, and many files never come this far.
        from order_intake.pipeline import loading

        found = loading.load(store, ledger, secret, file, count, totals, claim)
        if isinstance(found, steps.Duplicate):
            return steps.close_duplicate(ledger, file, found.first, claim, datetime.now(UTC))
        if isinstance(found, FileRefusal):
            now = datetime.now(UTC)
            return steps.quarantine(store, ledger, file, count, totals, found, claim, now)
        if isinstance(found, OrdersThere):
            return None
    now = datetime.now(UTC)
    return steps.curate(store, ledger, file, count, totals, None, claim, now)


def _announce(settings: environment.IntakeSmallFile, ledger: Ledger, row: FileRow) -> None:
    """Put the outcome's event onto the bus, and note in the ledger that it is there."""
    announcement = announcements.announcement_of(row)
    bus.announce(settings.orders_bus, announcement.detail_type, [announcement.detail])
    ledger.mark_announced(row)
    announcements.note(row)


def _is_handed_over(
    settings: environment.IntakeSmallFile,
    ledger: Ledger,
    claimed: FileRow,
    event: object,
    error: TransientError,
) -> bool:
    """Hand the file over to the workflow because of `error`; whether that was done.

    Where it was not, the call is tried again and goes on there; after the last attempt it lies in
    the dead-letter queue, and FindUnfinished finds the file.
    """
    machine, now = settings.order_intake_state_machine_arn, datetime.now(UTC)
    try:
        handover.hand_over(machine, ledger, claimed, event, now)
    except (TransientError, ClosedOtherwise) as further:
        logs.logger.error("not handed over", error=type(further).__name__, explanation=str(further))
        return False
    logs.logger.warning(
        "handed_over",
        error=type(error).__name__,
        explanation=str(error),
        execution=handover.execution_name(claimed),
    )
    return True


def _give_up(
    settings: environment.IntakeSmallFile, ledger: Ledger, claimed: FileRow, error: Exception
) -> bool:
    """Close the file as Failed and announce it; whether that was done.

    Where it was not, or the error may have been a bug or a fault that passes, the error itself
    goes up after this, so that Lambda puts the call into the dead-letter queue. An outcome that
    stands already stays, and its event goes out again from there.
    """
    ours = isinstance(error, TransientError | PermanentError)
    fields = {
        "reason": type(error).__name__,
        "explanation": str(error) if ours else "an error in the service; its log has the details",
    }
    try:
        row = ledger.close(
            claimed.file_id,
            "Failed",
            fields,
            datetime.now(UTC),
            claimant=claimed.claimed_by,
        )
        _announce(settings, ledger, row)
    except ClosedOtherwise:
        logs.logger.warning("not failed: the file has its outcome, or belongs to the workflow")
        return False
    except TransientError as further:
        logs.logger.error("the failure could not be noted", explanation=str(further))
        return False
    return True
