"""The reconciliation: compares uploads with the ledger, and the ledger with the database.

Pure functions on what was read; the function DailyReconciliation reads and announces.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from order_intake.adapters.ledger import FileRow
from order_intake.adapters.object_store import Version
from order_intake.domain import uploads
from order_intake.domain.outcomes import ReconciliationFinding
from order_intake.domain.results import Figures, Totals


def identities(bucket: str, versions: Iterable[Version]) -> dict[str, Version]:
    """Give the uploads by their file ids."""
    return {
        uploads.file_id(bucket, version.key, version.version_id): version for version in versions
    }


def without_outcome(
    found: Mapping[str, Version], rows: Mapping[str, FileRow], now: datetime
) -> list[ReconciliationFinding]:
    """Find the uploads that nobody brought to an outcome and nobody works on any more."""
    findings = []
    for file_id, version in found.items():
        row = rows.get(file_id)
        if row is None:
            why = "the upload has no row in the ledger: its notification was lost or failed"
        elif not row.is_final and row.claim_expires_at < now.timestamp():
            why = f"the file is {row.status}, but the claim on it has expired: work on it stopped"
        else:
            continue
        findings.append(
            ReconciliationFinding(
                kind="upload_without_outcome", file_id=file_id, key=version.key, explanation=why
            )
        )
    return findings


def differing(
    rows: Iterable[FileRow], loaded: Mapping[str, Figures]
) -> list[ReconciliationFinding]:
    """Find the closed files of which the database has something else than the ledger says."""
    findings = []
    for row in rows:
        expected = row.totals if row.status == "Accepted" and row.loaded else None
        there = loaded.get(row.file_id)
        if row.is_final and _sums(there) != _sums(expected):
            findings.append(
                ReconciliationFinding(
                    kind="ledger_and_database_differ",
                    file_id=row.file_id,
                    key=row.key,
                    explanation=f"the ledger says {_words(expected)} ({row.status}), "
                    f"the database has {_words(there)}",
                )
            )
    return findings


def _sums(of: Totals | Figures | None) -> tuple[int, int, Decimal, Decimal] | None:
    if of is None:
        return None
    lines = of.accepted if isinstance(of, Totals) else of.lines
    return lines, of.orders, Decimal(of.total), Decimal(of.house_total)


def _words(of: Totals | Figures | None) -> str:
    sums = _sums(of)
    if sums is None:
        return "nothing is loaded"
    lines, orders, total, house_total = sums
    return f"{lines} lines of {orders} orders, {total} and {house_total} in the base currency"
