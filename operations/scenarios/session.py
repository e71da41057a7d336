"""A replay of this application: what it has uploaded so far, and what that comes to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from operations.database.connection import Database, find_database
from operations.deployed import Deployed
from operations.files.order_file import Uploaded
from operations.reconciliation.report import Reconciliation, check
from operations.scenarios import totals, uploads
from operations.scenarios.upload_play import UploadPlay
from operations.scenarios.uploads import Upload, UploadOutcome
from workbench.replay.figures import Figures
from workbench.replay.kinds import schedules
from workbench.replay.probe import EVENT_LIMIT
from workbench.replay.result import Result, compare
from workbench.replay.scenarios import Kind
from workbench.replay.session import Session
from workbench.stages.visible import visible


@dataclass
class IntakeSession(Session):
    """A running replay, with its uploads and the task tokens that it has seen."""

    deployed: Deployed
    uploaded: list[Uploaded] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    database: Database = field(init=False)

    def __post_init__(self) -> None:
        self.database = find_database(self.deployed)

    def not_checked(self) -> list[str]:
        """Return why the database cannot be asked, where it cannot."""
        unreachable = self.database.unreachable
        return [f"the rows in the database, because {unreachable}"] if unreachable else []

    def reconcile(self) -> Reconciliation | None:
        """Return the reconciliation of what this replay has uploaded; None when that is nothing."""
        only = {one.file_id for one in self.uploaded if one.key.startswith("incoming/")}
        if not only:
            return None

        def events() -> list[dict[str, Any]]:
            return self.probe.seen(lambda _: True)

        return check(self.deployed, self.database, events, self.started, only, self.tokens)

    def details(self, result: Result) -> list[tuple[str, str]]:
        """Return a file's lines, and the reason of its outcome."""
        seen: UploadOutcome = result.seen
        rows = [] if seen.lines_in is None else [("lines", totals.lines_of(seen))]
        return rows + ([("reason", seen.reason)] if seen.reason else [])

    def totals(self, results: Sequence[Result]) -> Sequence[Figures]:
        """Return what all files come to."""
        return totals.of([result.seen for result in results])

    def hints(self, results: list[Result]) -> list[tuple[str, str]]:
        """Return the commands for files and orders, and where the largest file's lines are."""
        stage = self.deployed.stage
        which = "" if stage.is_local else f" STAGE={stage.name}"
        found = [
            (f"make psql{which}", "the loaded orders: SELECT * FROM order_file;"),
            (f"make send{which} FILE=… PARTNER=…", "a file of your own"),
            (f"make approve{which} FILE_ID=… DECISION=…", "decide about a file that waits"),
        ]
        curated = [one for one in results if one.seen.curated_lines and one.subject]
        if curated:
            largest = max(curated, key=lambda one: one.seen.curated_lines)
            partner = visible(largest.scenario.title.split("/")[0])
            where = f"curated/{partner}/{largest.subject}/"
            found.append((where, f"priced lines, in {self.deployed.bucket}"))
        return found


def play_upload(session: IntakeSession, scenario: Upload) -> Result:
    """Upload the file, let happen what is to happen, and compare."""
    return UploadPlay(session, scenario).play()


class ReconciliationExpected(msgspec.Struct, frozen=True):
    """What the reconciliation must find among the uploads of the replay itself."""

    findings: int


def play_reconciliation(session: IntakeSession, scenario: schedules.ScheduledCall) -> Result:
    """Reconcile this replay's uploads; findings about others do not count."""
    start = datetime.now(UTC)
    # The reconciliation counts in whole seconds: up to the end of this one.
    narrowed = {
        "from": schedules.iso(session.started),
        "to": schedules.iso(start + timedelta(seconds=1)),
    }
    sent, result = schedules.call_schedule(session.deployed, scenario.schedule, **narrowed)
    problems = schedules.differences_of_input(scenario, sent)
    seen_uploads = int(result["uploads"])
    own = sum(one.key.startswith("incoming/") for one in session.uploaded)
    if seen_uploads < own:
        problems.append(f"uploads: expected at least the replay's own {own}, got {seen_uploads}")
    seen = ReconciliationExpected(findings=_own_findings(session, int(result["findings"])))
    problems += compare(ReconciliationExpected(findings=0), seen)
    return Result(
        scenario,
        f"schedule {scenario.schedule}",
        scenario.schedule,
        f"{seen_uploads} uploads compared, {seen.findings} findings",
        (datetime.now(UTC) - start).total_seconds(),
        problems,
    )


def _own_findings(session: IntakeSession, announced: int) -> int:
    """Return how many of the findings are about this replay's uploads, once all have come."""
    own = {one.file_id for one in session.uploaded}

    def finding(event: dict[str, Any]) -> bool:
        return bool(event["detail-type"] == "ReconciliationFinding")

    session.probe.wait_until(lambda: len(session.probe.seen(finding)) >= announced, EVENT_LIMIT)
    return sum(event["detail"].get("file_id") in own for event in session.probe.seen(finding))


UPLOADS = Kind(uploads.read, play_upload, uploads.asked)
KINDS = {
    "uploads": UPLOADS,
    "faults": UPLOADS,
    "functions": Kind(schedules.read, play_reconciliation),
}
