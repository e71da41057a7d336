"""Loading an accepted file into the orders database, with what the ledger must know of it.

Apart from the other steps, because the database's driver takes time to import.
"""

import csv
from collections.abc import Iterator

import msgspec

from order_intake.adapters import database
from order_intake.adapters.ledger import Claim, Ledger
from order_intake.adapters.object_store import CSV, ObjectStore
from order_intake.domain import uploads
from order_intake.domain.chunks import FileRefusal
from order_intake.domain.outcomes import LeftOut
from order_intake.domain.results import ContentThere, Loaded, OrdersThere, Totals
from order_intake.domain.uploads import IncomingFile
from order_intake.pipeline.steps import Duplicate


def load(
    store: ObjectStore,
    ledger: Ledger,
    secret_arn: str,
    file: IncomingFile,
    count: int,
    totals: Totals,
    claim: Claim,
    *,
    only_new: bool = False,
) -> Loaded | OrdersThere | Duplicate | FileRefusal:
    """Load a file's `count` priced chunks, with `only_new` those orders that are not there yet.

    Nothing is loaded when other files of the partner have brought some of the orders, or when the
    content is another upload's: because the database has it, or because it was taken over while
    nobody worked on this one. A correction is refused when another one has brought one of its
    lines. Raises ClosedOtherwise when the file is no longer the claimant's, and what the database
    raises.
    """
    row = ledger.begin_load(file.file_id, claim, totals.house_gross)
    # An execution that began before contents were compared does not understand such answers.
    sha256 = row.sha256 if claim.claimant else None
    if sha256:
        owner = ledger.claim_content(file.partner, sha256, file.file_id, claim.now)
        if owner:
            return Duplicate(owner)
    request = database.LoadRequest(sha256, row.corrects, only_new)
    try:
        answer = database.load_chunks(secret_arn, store, file, count, totals, request)
    except database.CorrectedBefore as error:
        ledger.end_load(file.file_id, claim.claimant, {"loaded": False})
        return FileRefusal("corrected_before", f"{error}: send those that are still missing")
    facts: dict[str, object] = {"loaded": isinstance(answer, Loaded)}
    match answer:
        case Loaded():
            facts["orders_compared"] = sha256 is not None
            if answer.skipped.lines:
                _keep_loaded_lines(store, secret_arn, file, count)
                changed = row.orders_there.changed if row.orders_there else None
                facts["left_out"] = msgspec.to_builtins(LeftOut.of(answer.skipped, changed))
        case OrdersThere():
            facts["orders_there"] = msgspec.to_builtins(answer)
    ledger.end_load(file.file_id, claim.claimant, facts)
    return Duplicate(answer.file_id) if isinstance(answer, ContentThere) else answer


def _keep_loaded_lines(store: ObjectStore, secret_arn: str, file: IncomingFile, count: int) -> None:
    """Write those lines of each chunk that the database has taken, chunk by chunk."""
    with database.connection(secret_arn) as connected:
        for index in range(count):
            priced = b"".join(store.blocks(uploads.priced_key(file.file_id, index))).decode()
            header, *rows = rows_of(priced)
            lines = [int(row.partition(",")[0]) for row in rows]
            there = database.loaded_lines(connected, file.file_id, lines) if lines else set()
            kept = [row for row, line in zip(rows, lines, strict=True) if line in there]
            body = "".join([header, *kept]).encode()
            store.put(uploads.loaded_key(file.file_id, index), body, CSV)


def rows_of(text: str) -> Iterator[str]:
    """Split priced lines into rows as they are written: `csv` alone would lose what is null."""
    physical = [f"{one}\n" for one in text.split("\n")[:-1]]
    reader, begun = csv.reader(physical), 0
    for _ in reader:
        yield "".join(physical[begun : reader.line_num])
        begun = reader.line_num
