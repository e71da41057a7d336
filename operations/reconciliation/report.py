"""Reconcile some files, and report what is wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from operations.database.connection import Database
from operations.deployed import Deployed
from operations.reconciliation.contents import repetitions as repetitions_of_contents
from operations.reconciliation.findings import (
    OUTCOMES,
    is_loaded_all_the_same,
    is_open,
    problems,
    repetitions,
)
from operations.reconciliation.leaks import (
    customer_data,
    leaks,
    read_histories,
    secret_values,
    texts,
    tokens,
)
from operations.reconciliation.reading import File, read_files, read_ledger, unknown_to_ledger
from workbench.stages.stage import PROJECT


@dataclass(frozen=True)
class Reconciliation:
    """What a check has found: the files, what is wrong, and what could not be checked."""

    files: list[File]
    problems: list[str]
    unchecked: list[str]

    @property
    def balanced(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def lines(self) -> list[str]:
        """The result in lines for people."""
        still_open = sum(is_open(file, datetime.now(UTC)) for file in self.files)
        again = sum(repetitions(file) for file in self.files)
        lines = [f"problem: {what}" for what in self.problems]
        lines += [f"not checked: {what}" for what in self.unchecked]
        if again:
            lines.append(f"{again} events say again what had been said (same file, same closed_at)")
        loaded = [file.file_id for file in self.files if is_loaded_all_the_same(file)]
        if loaded:
            lines.append(
                f"in the database, though Failed; make retry closes them: {', '.join(loaded)}"
            )
        verdict = "balanced" if self.balanced else f"{len(self.problems)} problems"
        lines.append(
            f"reconciled {len(self.files)} uploads, {still_open} of them still open: {verdict}"
        )
        return lines


def check(
    deployed: Deployed,
    database: Database,
    read_events: Callable[[], list[dict[str, Any]]] | None,
    since: datetime,
    only: set[str] | None = None,
    tokens_seen: Mapping[str, str] | None = None,
) -> Reconciliation:
    """Hold against each other what the stage has of all files since then, or of `only` some.

    `read_events` gives the orders bus's events; None where they cannot be read. It is called after
    all else is read: an event comes later than what it reports. `tokens_seen` are task tokens that
    the ledger held for a while: value → what it is.
    """
    files = read_files(deployed, database, since, only)
    events = read_events() if read_events else None
    events_of = by_file(events)
    if events_of is not None:
        files = [replace(file, events=tuple(events_of.get(file.file_id, ()))) for file in files]
    now = datetime.now(UTC)
    found = [
        f"{file.key} ({file.file_id}): {what}" for file in files for what in problems(file, now)
    ]
    found += repetitions_of_contents(database, only)
    if only is None:
        found += unknown_to_ledger(deployed, database, read_ledger(deployed))
    found += find_leaks(deployed, files, events or [], since, tokens_seen or {})
    unchecked = []
    if database.unreachable:
        unchecked.append(f"the rows in the database, because {database.unreachable}")
    if events is None:
        unchecked.append("the outcome events: ARCHIVE=1 reads them from the archive, in minutes")
    return Reconciliation(files, found, unchecked)


def by_file(events: list[dict[str, Any]] | None) -> dict[str, list[dict[str, Any]]] | None:
    """The outcome events among `events`, by the file that they are about."""
    if events is None:
        return None
    found: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        if event["source"] == PROJECT and event["detail-type"] in OUTCOMES:
            found.setdefault(str(event["detail"].get("file_id")), []).append(event)
    return found


def find_leaks(
    deployed: Deployed,
    files: list[File],
    events: list[dict[str, Any]],
    since: datetime,
    tokens_seen: Mapping[str, str],
) -> list[str]:
    """What of tokens, secrets and customers' data is in the logs, histories and `events`."""
    histories = read_histories(deployed, files)
    needles = secret_values(deployed) | customer_data(deployed, files)
    needles |= tokens(files, histories) | dict(tokens_seen)
    return leaks(needles, texts(deployed, histories, events, since))
