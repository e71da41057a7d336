"""The invariants: what must hold of every file, whatever happened to it."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from operations.database.connection import Sums
from operations.files.order_file import AWAITING, FINAL, Row
from operations.reconciliation.reading import File
from operations.scenarios.outcome import in_database

SETTLING = timedelta(minutes=2)  # so long, a notification may be on its way
ANNOUNCING = timedelta(seconds=10)  # and an outcome's event
NOTHING: Sums = (0, Decimal(0), Decimal(0))
OUTCOMES = {f"OrderFile{outcome}" for outcome in FINAL}


def is_open(file: File, now: datetime) -> bool:
    """Whether a file rightly has no outcome yet: on its way, or before a person."""
    if file.row is None:
        return file.uploaded_at is not None and now - file.uploaded_at < SETTLING
    if file.row["status"] in FINAL:
        closed = now - datetime.fromisoformat(file.row["closed_at"])
        return file.events == () and closed < ANNOUNCING
    if file.execution is not None:
        return file.execution == "RUNNING"
    under_way: bool = file.row["claim_expires_at"] > now.timestamp()
    return file.row["status"] != AWAITING and under_way


def problems(file: File, now: datetime) -> list[str]:
    """What does not hold of a file, in words; nothing while it is under way."""
    if is_open(file, now):
        return []
    if file.row is None:
        return ["it has no row in the ledger: its notification was lost or failed; make retry"]
    if file.uploaded_at is None:
        return ["the ledger has a row, but no upload is there"]
    if file.row["status"] not in FINAL:
        return [f"it is {file.row['status']}, and nobody works on it any more; make retry"]
    return [*_sums(file, file.row), *_objects(file, file.row), *_events(file, file.row)]


def _sums(file: File, row: Row) -> list[str]:
    """Lines in = accepted + refused; the database has the accepted lines of accepted files."""
    found = []
    refused = sum(int(count) for count in (row.get("refused") or {}).values())
    if row.get("lines_in") is not None and row["lines_in"] != row["accepted"] + refused:
        found.append(
            f"{row['lines_in']} lines came in, {row['accepted']} accepted and {refused} refused"
        )
    return found + _stored(file, row)


def _stored(file: File, row: Row) -> list[str]:
    """The database has the accepted lines of accepted files; what failed has all of them or none.

    A file may fail once it is loaded, or the answer of its load may be lost: it is wholly loaded or
    not at all then, and what is run again loads nothing twice.
    """
    if file.stored is None:
        return []
    stored = file.stored
    there = (
        stored.sums[0] + stored.left_out[0],
        stored.sums[1] + stored.left_out[1],
        stored.sums[2] + stored.left_out[2],
    )
    if not stored.is_whole:
        return [f"the database has {stored.sums[0]} lines of it, not those that it was to have"]
    if stored.sha256 and row.get("sha256") and stored.sha256 != row["sha256"]:
        return ["the database has another content of it than the ledger says (sha256)"]
    expected = [_accepted(row, there)] if row["status"] in ("Accepted", "Failed") else [NOTHING]
    if not row.get("loaded"):
        expected = [NOTHING, *expected] if row["status"] == "Failed" else [NOTHING]
    if there in expected:
        return _unlike_curated(file)
    if expected == [NOTHING]:
        return [f"it is {row['status']}, but the database has {there[0]} lines of it"]
    return [
        f"the ledger says (lines, sums) {_shown(expected[-1])}, the database has {_shown(there)}"
    ]


def _unlike_curated(file: File) -> list[str]:
    """The lines in the database are those under curated/, one by one, where both are whole."""
    stored, curated = file.stored, file.curated
    if stored is None or stored.left_out != NOTHING or stored.sums[0] != curated.lines:
        return []
    if stored.digest is None or curated.digest is None or stored.digest == curated.digest:
        return []
    return ["the lines in the database are not those under curated/, though their sums are equal"]


def is_loaded_all_the_same(file: File) -> bool:
    """Whether a file is Failed and yet in the database."""
    failed = file.row is not None and file.row["status"] == "Failed"
    return failed and file.stored is not None and file.stored.sums != NOTHING


def _objects(file: File, row: Row) -> list[str]:
    """Curated lines are the accepted ones, quarantine holds the refused ones and the reason."""
    found = []
    refused = sum(int(count) for count in (row.get("refused") or {}).values())
    accepted = row["status"] == "Accepted"
    curated = (file.curated.lines, file.curated.total, file.curated.house_total)
    if accepted:
        expected = in_database(row)
        if curated != expected:
            found.append(f"curated/ has (lines, sums) {_shown(curated)}, not {_shown(expected)}")
    elif file.curated.lines and row["status"] != "Failed":
        found.append(f"it is {row['status']}, but {file.curated.lines} lines lie under curated/")
    if row["status"] in ("Accepted", "Rejected") and file.refused_lines != refused:
        found.append(f"{refused} lines were refused, quarantine/ holds {file.refused_lines}")
    if file.has_reason != (row["status"] == "Rejected"):
        found.append(
            f"it is {row['status']}, and a reason lies {'' if file.has_reason else 'not '}"
            "under quarantine/"
        )
    return found


def _events(file: File, row: Row) -> list[str]:
    """One outcome, one event; a file that has failed before has one for each time it did."""
    if file.events is None:
        return []
    details = {_identity(event): event["detail"] for event in file.events}
    last = (f"OrderFile{row['status']}", row["closed_at"])
    before = [kind for kind, at in sorted(details, key=lambda one: one[1]) if (kind, at) != last]
    found = []
    if last not in details:
        found.append(f"no event announces that it is {row['status']}; make retry")
    else:
        found += _unlike_event(row, details[last])
    if any(kind != "OrderFileFailed" for kind in before) or len(before) >= int(row.get("run", 1)):
        found.append(f"besides its outcome, it was announced as {', '.join(before)}")
    return found


def _unlike_event(row: Row, detail: dict[str, Any]) -> list[str]:
    """The outcome's event has the ledger's counts and sums."""
    names = ["lines_in", "accepted", "orders", "total", "house_total"]
    names += ["loaded"] if row["status"] in ("Accepted", "Failed") else []
    return [
        f"{name}: the ledger says {row.get(name)}, its event {detail[name]}"
        for name in names
        if name in detail and not _same(detail[name], row.get(name))
    ]


def _same(announced: Any, noted: Any) -> bool:
    if announced is None or noted is None or isinstance(noted, bool):
        return bool(announced is noted)
    return Decimal(announced) == Decimal(noted)


def repetitions(file: File) -> int:
    """How many of a file's events say again what one of them has said: senders repeat themselves.

    A sender that was ended between sending and noting that it has sent cannot know; readers tell
    a repetition by file, outcome and `closed_at`.
    """
    events = file.events or ()
    return len(events) - len({_identity(event) for event in events})


def _identity(event: dict[str, Any]) -> tuple[str, str]:
    return event["detail-type"], event["detail"]["closed_at"]


def _accepted(row: Row, unless_known: Sums) -> Sums:
    """The accepted lines and their sums; a run that failed early may not have known them."""
    if row.get("accepted") is None:
        return unless_known
    return int(row["accepted"]), Decimal(row["total"]), Decimal(row["house_total"])


def _shown(sums: Sums) -> str:
    return " / ".join(str(one) for one in sums)
