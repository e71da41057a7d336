"""The steps of a file's way, one function each, the same for both routes.

The workflow calls them through one Lambda function a step, the direct route one after the other in
IntakeSmallFile. Each may be done again with the same result: what it writes has names that depend
only on its input, and the ledger takes an outcome once.
"""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Literal

import msgspec

from order_intake.adapters import rates_api
from order_intake.adapters.ledger import Claim, FileRow, Ledger
from order_intake.adapters.object_store import CSV, JSON_LINES, TEXT, ObjectStore
from order_intake.domain import chunks, exchange, partners, pricing, uploads
from order_intake.domain.assessment import Assessment, assess
from order_intake.domain.errors import InvalidInput
from order_intake.domain.outcomes import Approval, LeftOut
from order_intake.domain.results import ChunkResult, Totals
from order_intake.domain.uploads import IncomingFile

MOST_CORRECTABLE = 4 * 1024 * 1024
"""Characters of refused lines that are kept to be corrected; of all, the numbers are kept."""
PACKED = "application/octet-stream"
CSV_AS_SENT = "text/csv"
ENCODINGS = {"utf-8": "utf-8", "windows-1252": "cp1252", "latin-1": "latin-1", "utf-16": "utf-16"}
READ_AT_ONCE = 8
"""Below the connections of a client (`aws_clients.CONFIG`)."""


class Duplicate(msgspec.Struct, frozen=True):
    """The same content came before, as the file `first`."""

    first: str


class Curated(msgspec.Struct, frozen=True):
    """What the note under `curated/` says when all of a file is there."""

    chunks: int
    totals: Totals
    left_out: LeftOut | None


class _Refused(msgspec.Struct, frozen=True):
    """What of a chunk's result says whether there are refused lines to keep."""

    refused: dict[str, int]
    refused_rows_kept: bool = False


def register(
    store: ObjectStore, ledger: Ledger, file: IncomingFile, max_bytes: int, now: datetime
) -> chunks.Survey | chunks.FileRefusal | Duplicate:
    """Check a claimed file, claim its content, and cut it into chunks.

    A file over `max_bytes`, of an unknown partner, or that is not called a CSV file, is refused
    without being read.
    """
    known = partners.load_profile(file.partner) is not None
    unread = chunks.refuse_by_name(file.key, known=known)
    unread = unread or chunks.refuse_by_size(file.size, max_bytes)
    if unread:
        return unread
    corrected = uploads.corrected_file(file.key)
    if corrected and not _can_be_corrected(ledger.find(corrected), file.partner):
        explanation = f"{corrected} is not an accepted file of yours with refused lines"
        return chunks.FileRefusal("nothing_to_correct", explanation)
    blocks, is_correction = store.blocks(file.key, file.version_id), corrected is not None
    survey = chunks.survey(blocks, file.size, profile_of(file), correction=is_correction)
    if survey.refusal:
        return survey.refusal
    first = ledger.claim_content(file.partner, survey.sha256, file.file_id, now)
    if first:
        return Duplicate(first)
    ledger.record_registration(
        file.file_id,
        sha256=survey.sha256,
        chunks=len(survey.chunks),
        terms=profile_of(file).terms(),
        now=now,
        corrects=corrected,
    )
    return survey


def _can_be_corrected(row: FileRow | None, partner: str) -> bool:
    if row is None or row.partner != partner:
        return False
    return row.status == "Accepted" and row.refused_file is not None


def close_duplicate(
    ledger: Ledger, file: IncomingFile, first: str, claim: Claim, now: datetime
) -> FileRow:
    """Write the outcome of a file whose content is taken by the file `first`."""
    fields = {"duplicate_of": first}
    return ledger.close(file.file_id, "Duplicate", fields, now, claimant=claim.claimant)


def fetch_rates(secret_arn: str, file: IncomingFile) -> exchange.Rates:
    """Fetch the exchange rates that the file's profile asks for; none for the house currency.

    Raises RatesUnavailable and RatesRefused.
    """
    profile = profile_of(file)
    days = exchange.days_needed(profile, file.uploaded_at)
    if days is None:
        return exchange.house_rates()
    published = rates_api.fetch(secret_arn, profile.currency, *days)
    return exchange.published_rates(profile, file.uploaded_at, published)


def rates_of(ledger: Ledger, secret_arn: str, file: IncomingFile) -> exchange.Rates:
    """Give the exchange rates of a file, the same at every try of all its runs.

    They are fetched once and kept in the ledger: what the API says may change from hour to hour,
    and a file that was loaded with some rates is never closed with others. Where the profile asks
    for other rates since then, they are fetched anew; a load notices other sums.
    Raises RatesUnavailable and RatesRefused, and ClosedOtherwise when the file has no row.
    """
    profile = profile_of(file)
    days = exchange.days_needed(profile, file.uploaded_at)
    if days is None:
        return exchange.house_rates()
    asked = {"currency": profile.currency, "days": "..".join(day.isoformat() for day in days)}
    row = ledger.find(file.file_id)
    kept = row.rates if row else None
    if kept is None or not kept.items() >= asked.items():
        fetched = msgspec.to_builtins(fetch_rates(secret_arn, file))
        kept = ledger.keep_rates(file.file_id, fetched | asked, instead_of=kept)
    return msgspec.convert(kept, exchange.Rates)


def price(
    store: ObjectStore,
    file: IncomingFile,
    chunk: chunks.Chunk,
    rates: exchange.Rates,
    execution: str | None = None,
) -> ChunkResult:
    """Price one chunk: writes its priced lines, its refused lines and its result.

    The result comes last: where it is, the others are. Chunks that the same workflow `execution`
    prices tell each other how many lines they refuse: once these are enough to reject the file,
    nothing more of it is read.
    """
    elsewhere = 0
    if execution and chunk.enough_refused is not None:
        elsewhere = _refused_elsewhere(store, file, chunk.index, execution)
    data = b""
    if chunk.enough_refused is None or elsewhere <= chunk.enough_refused:
        data = store.read_range(file.key, file.version_id, chunk.start, chunk.end)
    profile, correctable = profile_of(file), _correctable(store, file)
    priced = pricing.price_chunk(
        data, chunk, profile, rates, file.uploaded_at, elsewhere, correctable
    )
    store.put(uploads.priced_key(file.file_id, chunk.index), priced.priced, CSV)
    store.put(uploads.refused_key(file.file_id, chunk.index), priced.refused, JSON_LINES)
    if priced.result.refused_rows_kept:
        rows, lines = priced.refused_rows, priced.refused_lines
        store.put(uploads.refused_rows_key(file.file_id, chunk.index), rows, CSV)
        store.put(uploads.refused_numbers_key(file.file_id, chunk.index), lines, PACKED)
    store.put_json(uploads.result_key(file.file_id, chunk.index), priced.result)
    if execution and priced.result.refused:
        refused = sum(priced.result.refused.values())
        note = f"{uploads.refusals_prefix(file.file_id, execution)}{chunk.index:05}-{refused}"
        store.put(note, b"", TEXT)
    return priced.result


def _correctable(store: ObjectStore, file: IncomingFile) -> frozenset[int]:
    """Return the refused lines that a correction may bring; none for any other file."""
    corrected = uploads.corrected_file(file.key)
    if corrected is None:
        return frozenset()
    lines = store.get_json(uploads.refused_lines_key(file.partner, corrected), list[int])
    return frozenset(lines)


def _refused_elsewhere(store: ObjectStore, file: IncomingFile, index: int, execution: str) -> int:
    """Return how many lines the other chunks have refused, as far as they are priced."""
    refused: dict[int, int] = {}
    prefix = uploads.refusals_prefix(file.file_id, execution)
    for key in store.keys(prefix):
        # A chunk that was priced twice may have stopped earlier the second time.
        other, count = map(int, key.removeprefix(prefix).split("-"))
        refused[other] = max(count, refused.get(other, 0))
    refused.pop(index, None)
    return sum(refused.values())


def results_of(store: ObjectStore, file: IncomingFile, count: int) -> list[ChunkResult]:
    """Read the results of a file's chunks, all of them: a missing one raises InvalidInput."""

    def read(index: int) -> ChunkResult:
        return store.get_json(uploads.result_key(file.file_id, index), ChunkResult)

    # Several at a time: one after the other, 512 answers of S3 would take longer than the sums.
    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        return list(pool.map(read, range(count)))


def assess_file(
    file: IncomingFile, results: list[ChunkResult], terms: dict[str, str]
) -> Assessment:
    """Add the results up and decide, by the terms kept for the file, what becomes of it."""
    return assess(results, terms, profile_of(file).currency, partners.HOUSE_CURRENCY)


def refusal_of(assessed: Assessment) -> chunks.FileRefusal:
    """Give the refusal of a file that is to be rejected."""
    return msgspec.convert(assessed, chunks.FileRefusal, from_attributes=True)


def curate(
    store: ObjectStore,
    ledger: Ledger,
    file: IncomingFile,
    count: int,
    totals: Totals,
    approval: Approval | None,
    claim: Claim,
    now: datetime,
    *,
    loaded: bool | None = None,
) -> FileRow:
    """Keep the priced lines and the refused ones, and write the outcome Accepted.

    Under `curated/`, the note that all is there comes last. Whether the lines are in the database
    the ledger knows by itself; `loaded` is for executions that began before it did.
    """
    row = ledger.hold(file.file_id, claim, "Accepted")
    lines = uploads.loaded_key if row.left_out else uploads.priced_key
    for index in range(count):
        store.copy(
            lines(file.file_id, index),
            uploads.curated_key(file.partner, file.file_id, index),
        )
    _keep_refused(store, file, count, totals)
    refused_file = _keep_correctable(store, file, count, totals)
    store.put_json(
        uploads.complete_key(file.partner, file.file_id), Curated(count, totals, row.left_out)
    )
    fields = msgspec.structs.asdict(totals) | {"refused_file": refused_file}
    if loaded is not None:
        fields["loaded"] = loaded
    if approval:
        fields["approval"] = msgspec.to_builtins(approval)
    return ledger.close(file.file_id, "Accepted", fields, now, claimant=claim.claimant)


def quarantine(
    store: ObjectStore,
    ledger: Ledger,
    file: IncomingFile,
    count: int,
    totals: Totals | None,
    refusal: chunks.FileRefusal,
    claim: Claim,
    now: datetime,
) -> FileRow:
    """Keep the refused lines and why the file was rejected, and write the outcome Rejected."""
    ledger.hold(file.file_id, claim, "Rejected")
    if totals:
        _keep_refused(store, file, count, totals)
    store.put_json(uploads.reason_key(file.partner, file.file_id), refusal)
    fields = msgspec.structs.asdict(totals) if totals else {}
    fields |= msgspec.structs.asdict(refusal)
    return ledger.close(file.file_id, "Rejected", fields, now, claimant=claim.claimant)


def close_unfinished(
    ledger: Ledger,
    file: IncomingFile,
    outcome: Literal["Declined", "Failed"],
    totals: Totals | None,
    *,
    reason: str,
    explanation: str,
    approval: Approval | None,
    claimant: str,
    now: datetime,
) -> FileRow:
    """Write the outcome Declined or Failed, for the execution that has the file.

    Raises ClosedOtherwise when the file has another outcome, or is another claimant's.
    """
    fields = msgspec.structs.asdict(totals) if totals else {}
    fields |= {"reason": reason, "explanation": explanation}
    if approval:
        fields["approval"] = msgspec.to_builtins(approval)
    # Registering may have failed before it claimed the upload: then there is no row yet.
    unclaimed = file if outcome == "Failed" else None
    return ledger.close(file.file_id, outcome, fields, now, claimant=claimant, unclaimed=unclaimed)


def profile_of(file: IncomingFile) -> partners.Profile:
    """Give the profile of a registered file's partner; InvalidInput when it is gone since."""
    profile = partners.load_profile(file.partner)
    if profile is None:
        raise InvalidInput(f"there is no profile of a partner {file.partner}")
    return profile


def _keep_refused(store: ObjectStore, file: IncomingFile, count: int, totals: Totals) -> None:
    if not totals.refused:
        return
    for index in range(count):
        if store.get_json(uploads.result_key(file.file_id, index), _Refused).refused:
            store.copy(
                uploads.refused_key(file.file_id, index),
                uploads.quarantine_key(file.partner, file.file_id, index),
            )


def _keep_correctable(
    store: ObjectStore, file: IncomingFile, count: int, totals: Totals
) -> str | None:
    """Keep the refused lines as their partner can send them again, and which lines they are.

    The key of these lines; None when there are none, or they were priced before they were kept.
    """
    rows, numbers = io.StringIO(), []
    for index in range(count) if totals.refused else ():
        if not store.get_json(uploads.result_key(file.file_id, index), _Refused).refused_rows_kept:
            continue
        packed = b"".join(store.blocks(uploads.refused_numbers_key(file.file_id, index)))
        numbers += pricing.line_numbers(packed)
        if rows.tell() < MOST_CORRECTABLE:
            found = b"".join(store.blocks(uploads.refused_rows_key(file.file_id, index)))
            rows.write(found.decode())
    if not numbers:
        return None
    profile, key = profile_of(file), uploads.refused_file_key(file.partner, file.file_id)
    header = io.StringIO()
    columns = [*profile.columns.values(), chunks.REFUSED_LINE, chunks.REFUSED_REASON]
    csv.writer(header, delimiter=profile.delimiter, lineterminator="\n").writerow(columns)
    text = header.getvalue() + rows.getvalue()
    store.put(key, text.encode(ENCODINGS[profile.encoding], "replace"), CSV_AS_SENT)
    store.put_json(uploads.refused_lines_key(file.partner, file.file_id), numbers)
    return key
