"""What came of an uploaded file, gathered from everywhere it left a trace.

Ledger and announcement give the sums, the workflow its way and its error; the objects and, where
it can be reached, the database are counted and added up again.
"""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from operations.database.connection import LoadedFile
from operations.deployed import Deployed
from operations.files.follow import wait_for_execution
from operations.files.order_file import Row, execution_of
from operations.reconciliation.contents import Digest
from operations.scenarios.uploads import UploadOutcome
from workbench.replay.kinds.path import path_of


@dataclass(frozen=True)
class Curated:
    """The priced lines of a file as they lie under curated/, added up."""

    lines: int
    total: Decimal
    house_total: Decimal
    digest: str | None = None
    """Of all lines (operations.reconciliation.contents); None where they were not read."""


@dataclass(frozen=True)
class Execution:
    """How the workflow went: its error's name, if it failed, and the states it entered."""

    error: str | None
    path: str


def numbers(row: Row) -> dict[str, Any]:
    """Counts and sums of a ledger row or an event's detail, alike: ints, decimal texts, None."""
    counts: dict[str, Any] = {
        name: None if row.get(name) is None else plain(row[name]) for name, plain in SUMS.items()
    }
    refused = row.get("refused") or {}
    return counts | {"refused": {reason: int(count) for reason, count in refused.items()}}


def in_database(row: Row) -> tuple[int, Decimal, Decimal]:
    """Lines and sums of an accepted row without the orders that were left out."""
    left_out = row.get("left_out") or {}
    return (
        int(row["accepted"]) - int(left_out.get("lines", 0)),
        Decimal(row["total"]) - Decimal(left_out.get("total", 0)),
        Decimal(row["house_total"]) - Decimal(left_out.get("house_total", 0)),
    )


def decimal_text(amount: str) -> str:
    """An amount in one way of writing: at least two decimals, and no zeros after them."""
    value = Decimal(amount).normalize()
    return f"{value:f}" if -int(value.as_tuple().exponent) > 2 else f"{value:.2f}"


SUMS: dict[str, Callable[[Any], int | str]] = {
    "lines_in": int,
    "accepted": int,
    "orders": int,
    "total": decimal_text,
    "currency": str,
    "house_total": decimal_text,
}


def read_execution(deployed: Deployed, row: Row) -> Execution | None:
    """How the file's workflow execution went, once it is over; None on the direct route."""
    arn = execution_of(row)
    if arn is None:
        return None
    answer = wait_for_execution(deployed, arn)
    pages = deployed.stage.client("stepfunctions").get_paginator("get_execution_history")
    history = (event for page in pages.paginate(executionArn=arn) for event in page["events"])
    return Execution(answer.get("error"), path_of(history, int(row.get("chunks", 0))))


def read_curated(deployed: Deployed, row: Row) -> Curated:
    """The file's objects under curated/, read and added up; zeros where there are none."""
    lines, total, house_total, digest = 0, Decimal(0), Decimal(0), Digest()
    for key in objects_below(deployed, f"curated/{row['partner']}/{row['file_id']}/"):
        if not key.endswith(".csv"):
            continue  # the note that all is there
        body = deployed.stage.client("s3").get_object(Bucket=deployed.bucket, Key=key)["Body"]
        for line in csv.DictReader(io.StringIO(body.read().decode(), newline="")):
            lines += 1
            total += Decimal(line["amount"])
            house_total += Decimal(line["house_amount"])
            digest.add(line)
    return Curated(lines, total, house_total, digest.text() if lines else None)


def objects_below(deployed: Deployed, prefix: str) -> list[str]:
    """The keys of the uploads bucket that begin with `prefix`, in order."""
    pages = deployed.stage.client("s3").get_paginator("list_objects_v2")
    return [
        found["Key"]
        for page in pages.paginate(Bucket=deployed.bucket, Prefix=prefix)
        for found in page.get("Contents", [])
    ]


def observed(
    deployed: Deployed,
    rules: Sequence[str],
    row: Row,
    execution: Execution | None,
    curated: Curated,
    stored: LoadedFile | None,
    events: Sequence[str],
) -> UploadOutcome:
    """What came of the file as events/ would tell it: `rules` took it, `events` were announced.

    Of a failed file only the database knows whether it was loaded.
    """
    loaded_all_the_same = row["status"] == "Failed" and stored is not None and stored.sums[0] > 0
    return UploadOutcome(
        rules=tuple(rules),
        route=row["route"],
        outcome=row["status"],
        reason=row.get("reason"),
        error=execution.error if execution else None,
        **numbers(row),
        left_out=int((row.get("left_out") or {}).get("lines", 0)),
        changed_orders=int((row.get("left_out") or {}).get("changed", 0)),
        curated_lines=curated.lines,
        quarantine=bool(objects_below(deployed, f"quarantine/{row['partner']}/{row['file_id']}/")),
        loaded=bool(row.get("loaded")) or loaded_all_the_same,
        events=tuple(events),
    )


def disagreements(
    row: Row, detail: dict[str, Any], curated: Curated, stored: LoadedFile | None
) -> list[str]:
    """Where the ledger, the announcement, the objects and the database do not tell the same.

    `stored` is what the database holds, None where it cannot be asked.
    """
    found = []
    ledger, event = numbers(row), numbers(detail)
    for name, value in ledger.items():
        if event[name] != value:
            found.append(f"{name}: the ledger says {value}, the event {event[name]}")
    if row["status"] == "Accepted":
        sums = (curated.lines, curated.total, curated.house_total)
        found += _unlike("the objects under curated/", row, sums)
        if stored is not None and row.get("loaded"):
            found += _unlike("the database", row, stored.sums)
    elif row["status"] != "Failed" and stored is not None and stored.sums[0]:
        found.append(f"the database has {stored.sums[0]} lines of a file that was not accepted")
    return found


def _unlike(where: str, row: Row, sums: tuple[int, Decimal, Decimal]) -> list[str]:
    names = ("accepted", "total", "house_total")
    return [
        f"{name}: the ledger says {expected}, {where} {value}"
        for name, expected, value in zip(names, in_database(row), sums, strict=True)
        if expected != value
    ]
