"""The page of a file that was sent: the rule that took it, and its way through the workflow."""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from operations.deployed import Deployed
from operations.files.order_file import Row, Uploaded
from operations.files.way import way_of
from workbench.application.interface import Way
from workbench.page import replayed
from workbench.replay.result import Result, Taken
from workbench.replay.scenarios import Scenario
from workbench.stages.errors import UserError


class SentFile(Scenario, frozen=True):
    """A file that was sent, with its key and size."""

    key: str
    size: int

    @property
    def title(self) -> str:
        """What was sent."""
        return f"{self.key} ({self.size:,} bytes)"


def lines(
    deployed: Deployed,
    file: Path,
    uploaded: Uploaded,
    started: datetime,
    row: Row | None,
    said: Sequence[str],
) -> Iterator[str]:
    """Write the page of a file; yield the line that says where it is.

    `row` is the ledger's in the end, None where there is no outcome; `said` is what else is known.
    """
    size = file.stat().st_size
    event = deployed.upload_event(uploaded.key, size)
    rules = deployed.rules_for("default", event)
    way = Way()
    with contextlib.suppress(UserError):
        way = way_of(deployed, uploaded.file_id)
    result = Result(
        SentFile(file.resolve(), uploaded.key, size),
        " + ".join(rules),
        " ".join(way.notes[:1]),
        row["status"] if row else "no outcome",
        (datetime.now(started.tzinfo) - started).total_seconds(),
        [] if row else list(said),
        seen=row or {},
        executions=tuple(way.executions),
        events=(Taken("default", event, rules),),
        started=started,
    )
    details = [("file", uploaded.file_id), *_named(said if row else ())]
    yield from replayed.lines_of_one(deployed, result, details)


def _named(said: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Return lines such as `  lines    4 in, 4 accepted` as name and text."""
    for line in said:
        name, _, text = line.strip().partition(" ")
        if text and name != "make":
            yield name, text.strip()
