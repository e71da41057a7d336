"""The settlement: what was uploaded, held against the ledger, and the ledger against the database.

Pure functions on what was read; the function DailySettlement reads and announces.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from order_intake import uploads
from order_intake.ledger import FileRow
from order_intake.object_store import Version
from order_intake.outcomes import SettlementFinding


def identities(bucket: str, versions: Iterable[Version]) -> dict[str, Version]:
    """Give the uploads by their file ids."""
    return {
        uploads.file_id(bucket, version.key, version.version_id): version for version in versions
    }


def without_outcome(
    found: Mapping[str, Version], rows: Mapping[str, FileRow], now: datetime
) -> list[SettlementFinding]:
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
            SettlementFinding(
                kind="upload_without_outcome", file_id=file_id, key=version.key, explanation=why
            )
        )
    return findings


def differing(rows: Iterable[FileRow], loaded_lines: Mapping[str, int]) -> list[SettlementFinding]:
    """Find the closed files of which the database has other lines than the ledger says."""
    findings = []
    for row in rows:
        expected = (row.accepted or 0) if row.status == "Accepted" and row.loaded else 0
        expected -= row.left_out.lines if row.left_out else 0
        there = loaded_lines.get(row.file_id, 0)
        if row.is_final and there != expected:
            why = (
                f"the ledger says {expected} loaded lines ({row.status}), the database has {there}"
            )
            findings.append(
                SettlementFinding(
                    kind="ledger_and_database_differ",
                    file_id=row.file_id,
                    key=row.key,
                    explanation=why,
                )
            )
    return findings
