"""From a file's final row to the event that announces its outcome.

The row is the only source, `closed_at` included: published again, an outcome reads the same.
"""

import msgspec

from order_intake import logs
from order_intake.adapters.ledger import FileRow
from order_intake.domain import outcomes
from order_intake.domain.uploads import moment


def announcement_of(row: FileRow) -> outcomes.Announcement:
    """Give the event of a final row; raises ValueError for a row without an outcome."""
    announced = _announcement_of(row)
    more = {"corrects": row.corrects, "refused_file": row.refused_file}
    detail = msgspec.structs.replace(announced.detail, **more)
    return msgspec.structs.replace(announced, detail=detail)


def _announcement_of(row: FileRow) -> outcomes.Announcement:
    file, totals, at = row.file, row.totals, row.closed_at or ""
    by = row.approval.decided_by if row.approval else None
    reason, why = row.reason or "", row.explanation or ""
    match row.status:
        case "Accepted" if totals:
            return outcomes.accepted(
                file,
                totals,
                loaded=bool(row.loaded),
                approval=row.approval,
                orders_compared=row.orders_compared,
                left_out=row.left_out,
                closed_at=at,
            )
        case "Rejected":
            return outcomes.rejected(file, totals, reason, why, closed_at=at)
        case "Declined" if totals:
            return outcomes.declined(
                file,
                totals,
                decided_by=by or "",
                reason=reason,
                explanation=why,
                loaded=row.loaded,
                closed_at=at,
            )
        case "Duplicate":
            return outcomes.duplicate(file, row.duplicate_of or "", closed_at=at)
        case "Failed":
            return outcomes.failed(
                file, totals, reason, why, decided_by=by, loaded=row.loaded, closed_at=at
            )
    raise ValueError(f"{row.file_id} is {row.status}: there is no outcome to announce")


def note(row: FileRow) -> None:
    """Write an outcome into the log and the metrics: files, lines, refusals by reason, age."""
    logs.logger.info("outcome", outcome=row.status, reason=row.reason)
    logs.count(f"Files{row.status}")
    if row.lines_in is not None and row.status in ("Accepted", "Rejected"):
        logs.count("LinesAccepted", row.accepted or 0)
        logs.count("LinesRefused", row.lines_in - (row.accepted or 0))
        logs.count_by("RefusedLines", "reason", row.refused or {})
    if row.closed_at:
        age = moment(row.closed_at) - moment(row.uploaded_at)
        logs.count("FileAge", max(0.0, age.total_seconds()), logs.MetricUnit.Seconds)
