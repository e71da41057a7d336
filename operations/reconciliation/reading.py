"""Reading everything that a stage holds of its files."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from operations.database.connection import Database, LoadedFile
from operations.deployed import Deployed
from operations.files.order_file import FINAL, Row, Uploaded, execution_of, plain_row
from operations.reconciliation.contents import digest
from operations.scenarios.outcome import Curated, read_curated

READERS = 8
NOTHING = Curated(0, Decimal(0), Decimal(0))


@dataclass(frozen=True)
class File:
    """All that a stage holds of one upload. None: it is not there, or could not be looked at.

    `refused_lines` and `has_reason` are what lies under quarantine/, `stored` what the database
    has, `execution` the state of the execution that works on it, `events` its outcomes' events.
    """

    file_id: str
    key: str
    uploaded_at: datetime | None
    row: Row | None
    curated: Curated = NOTHING
    refused_lines: int = 0
    has_reason: bool = False
    stored: LoadedFile | None = None
    execution: str | None = None
    events: tuple[dict[str, Any], ...] | None = None


def read_uploads(deployed: Deployed, since: datetime) -> dict[str, tuple[str, datetime]]:
    """Key and time of every object version under incoming/, by file id."""
    pages = deployed.stage.client("s3").get_paginator("list_object_versions")
    found = {}
    for page in pages.paginate(Bucket=deployed.bucket, Prefix="incoming/"):
        for version in page.get("Versions", []):
            key, at = version["Key"], version["LastModified"]
            if at >= since:
                uploaded = Uploaded(deployed.bucket, key, version["VersionId"])
                found[uploaded.file_id] = (key, at)
    return found


def read_ledger(deployed: Deployed) -> dict[str, Row]:
    """Every file's row of the ledger, by file id."""
    pages = deployed.stage.client("dynamodb").get_paginator("scan")
    rows = {}
    for page in pages.paginate(TableName=deployed.ledger, ConsistentRead=True):
        for item in page["Items"]:
            row = plain_row(item)
            if str(row["pk"]).startswith("file#"):
                rows[str(row["pk"]).removeprefix("file#")] = row
    return rows


def read_files(
    deployed: Deployed,
    database: Database,
    since: datetime,
    only: Iterable[str] | None = None,
) -> list[File]:
    """The files that were uploaded since then, or `only` some, with all that is held of them.

    Their events are not read here.

    A row that belongs to no upload at all comes as a file, too, when all of time is looked at.
    """
    uploads, rows = read_uploads(deployed, since), read_ledger(deployed)
    wanted = set(only) if only is not None else set(uploads) | _without_upload(uploads, rows, since)
    stored = database.read_all()
    objects = _objects(deployed)

    def read(file_id: str) -> File:
        row = rows.get(file_id)
        key, at = uploads.get(file_id, (str((row or {}).get("key", "?")), None))
        kept = objects[file_id]
        return File(
            file_id,
            key,
            at,
            row,
            read_curated(deployed, row) if row and _any(kept, "curated/") else NOTHING,
            sum(_lines(deployed, key) for key in kept if key.endswith(".jsonl")),
            any(key.endswith("/reason.json") for key in kept),
            None if stored is None else _stored(database, file_id, stored.get(file_id)),
            _execution(deployed, row),
        )

    return list(at_once(read, sorted(wanted)))


def _stored(database: Database, file_id: str, found: LoadedFile | None) -> LoadedFile:
    """What the database has of a file, its lines included."""
    if found is None:
        return LoadedFile((0, Decimal(0), Decimal(0)))
    return replace(found, digest=digest(database.lines_of(file_id))) if found.sums[0] else found


def at_once[T, R](read: Callable[[T], R], things: Iterable[T]) -> Iterator[R]:
    """Results of `read`, in order, from some threads."""
    with ThreadPoolExecutor(READERS) as readers:
        yield from readers.map(read, things)


def unknown_to_ledger(deployed: Deployed, database: Database, rows: Iterable[str]) -> list[str]:
    """What database and bucket hold of files that the ledger does not know, in words."""
    known = set(rows)
    stored = database.read_all() or {}
    found = [f"the database has lines of {file_id}" for file_id in stored if file_id not in known]
    kept = _objects(deployed)
    found += [f"{kept[file_id][0]} lies there" for file_id in kept if file_id not in known]
    return [f"{what}, a file that the ledger does not know" for what in found]


def _without_upload(
    uploads: dict[str, tuple[str, datetime]], rows: dict[str, Row], since: datetime
) -> set[str]:
    """The files of the ledger, uploaded since then, of which no object version is left."""
    return {
        file_id
        for file_id, row in rows.items()
        if file_id not in uploads and datetime.fromisoformat(row["uploaded_at"]) > since
    }


def _objects(deployed: Deployed) -> defaultdict[str, list[str]]:
    """The keys under curated/ and quarantine/, by file id."""
    pages = deployed.stage.client("s3").get_paginator("list_objects_v2")
    found = defaultdict(list)
    for prefix in ("curated/", "quarantine/"):
        for page in pages.paginate(Bucket=deployed.bucket, Prefix=prefix):
            for thing in page.get("Contents", []):
                found[thing["Key"].split("/")[-2]].append(thing["Key"])
    return found


def _any(keys: list[str], prefix: str) -> bool:
    return any(key.startswith(prefix) for key in keys)


def _lines(deployed: Deployed, key: str) -> int:
    """How many JSON lines an object has; each must be one."""
    body = deployed.stage.client("s3").get_object(Bucket=deployed.bucket, Key=key)["Body"].read()
    return sum(1 for line in body.splitlines() if json.loads(line))


def _execution(deployed: Deployed, row: Row | None) -> str | None:
    """The state of the execution of a file that has no outcome yet."""
    arn = execution_of(row) if row and row["status"] not in FINAL else None
    if arn is None:
        return None
    states = deployed.stage.client("stepfunctions")
    try:
        return str(states.describe_execution(executionArn=arn)["status"])
    except states.exceptions.ExecutionDoesNotExist:
        return None
