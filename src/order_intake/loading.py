"""Loading an accepted file into the orders database, with what the ledger must know of it.

Apart from the other steps, because the database's driver takes time to import.
"""

from order_intake import database
from order_intake.ledger import Claim, Ledger
from order_intake.object_store import ObjectStore
from order_intake.results import Totals
from order_intake.steps import Duplicate
from order_intake.uploads import IncomingFile


def load(
    store: ObjectStore,
    ledger: Ledger,
    secret_arn: str,
    file: IncomingFile,
    count: int,
    totals: Totals,
    claim: Claim,
) -> bool | Duplicate:
    """Load a file's `count` priced chunks; False when an earlier try has loaded them.

    Duplicate when the file's content went to another upload while nobody worked on this one.
    Raises ClosedOtherwise when the file is no longer the claimant's, and what the database raises.
    """
    row = ledger.begin_load(file.file_id, claim)
    if row.sha256 and claim.claimant:
        owner = ledger.claim_content(file.partner, row.sha256, file.file_id, claim.now)
        if owner:
            return Duplicate(owner)
    loaded_now = database.load_file(secret_arn, store, file, count, totals)
    ledger.end_load(file.file_id, claim.claimant, {"loaded": True})
    return loaded_now
