"""Letting situations happen on a stage, several at a time, and comparing what comes of them."""

import queue
import string
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tools.database import Database
from tools.decide import give_decision
from tools.deployed import Deployed
from tools.errors import UserError
from tools.follow import AWAITING, LIMIT, Row, Uploaded, follow, forget_content, read_row, upload
from tools.replay.outcome import disagreements, observed, read_curated, read_execution
from tools.replay.probe import Probe
from tools.replay.result import Result, came_in, compare, failed, on_stage_without_database
from tools.replay.settlement import call_schedule
from tools.replay.situations import (
    BusEvent,
    ScheduledCall,
    SettlementExpected,
    Situation,
    Upload,
    UploadOutcome,
)

WORKERS = 6  # situations at the same time
EVENT_LIMIT = 60.0  # seconds for an event to come through the probe
STRAGGLER_LIMIT = 5.0  # seconds more for an event that was sent before one that has come
OUTCOME_PREFIX = "OrderFile"


@dataclass
class Replay:
    """A running replay: the stage, the window on its events, and what it has uploaded so far."""

    deployed: Deployed
    probe: Probe
    database: Database
    uploaded: list[Uploaded] = field(default_factory=list)
    # S3 tells an upload's time in whole seconds.
    started: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def play(self, situation: Situation) -> Result:
        """Let `situation` happen and compare; what AWS refuses is a difference, too."""
        start = time.monotonic()
        try:
            match situation:
                case Upload():
                    return self._upload(situation)
                case BusEvent():
                    return self._bus_event(situation)
                case ScheduledCall():
                    return self._scheduled_call(situation)
                case _:
                    raise TypeError(situation)
        except (UserError, ClientError, BotoCoreError) as error:
            return failed(situation, time.monotonic() - start, str(error))

    def _upload(self, situation: Upload) -> Result:
        forget_content(self.deployed, situation.partner, situation.sha256)
        problems: list[str] = []
        first: Row = {}
        if situation.upload_twice:
            first = self._follow(situation, self._put(situation)) or {}
            if first.get("status") != "Accepted":
                problems.append(f"the first upload: expected Accepted, got {first.get('status')}")
        start = time.monotonic()
        uploaded = self._put(situation)
        rules = self._rules_of_upload(uploaded)
        row = (
            self._follow(situation, uploaded)
            if rules
            else read_row(self.deployed, uploaded.file_id)
        )
        seconds = time.monotonic() - start
        if row is None:
            problems += compare(situation.expect, UploadOutcome(rules=rules))
            return Result(
                situation,
                came_in(situation),
                "none",
                "no rule takes it",
                "nothing happens",
                seconds,
                problems,
                UploadOutcome(rules=rules),
            )
        if situation.upload_twice and row.get("duplicate_of") != first.get("file_id"):
            problems.append("duplicate_of does not name the first upload")
        return self._judge(situation, row, rules, seconds, problems)

    def _put(self, situation: Upload) -> Uploaded:
        uploaded = upload(self.deployed, situation.key, situation.path)
        self.uploaded.append(uploaded)
        return uploaded

    def _rules_of_upload(self, uploaded: Uploaded) -> tuple[str, ...]:
        """The deployed rules that take the event which S3 really sent."""

        def its_event(event: dict[str, Any]) -> bool:
            thing = event["detail"].get("object", {}) if event["source"] == "aws.s3" else {}
            return bool(
                thing.get("key") == uploaded.key
                and thing.get("version-id", uploaded.version_id) == uploaded.version_id
            )

        event = self.probe.wait_for(its_event, EVENT_LIMIT)
        if event is None:
            raise UserError(f"S3 announced no upload of {uploaded.key} in {EVENT_LIMIT:.0f} s")
        return self.deployed.rules_for("default", event)

    def _follow(self, situation: Upload, uploaded: Uploaded) -> Row | None:
        def decide() -> bool:
            if situation.decision is None:
                return False
            # The ledger's row changes first; a person knows only once the question has come.
            if not self.probe.wait_for(_question_about(uploaded.file_id), EVENT_LIMIT):
                raise UserError(f"no ApprovalRequested came within {EVENT_LIMIT:.0f} s")
            give_decision(self.deployed, uploaded.file_id, situation.decision, "replay")
            return True

        return follow(self.deployed, uploaded.file_id, decide, LIMIT)

    def _judge(
        self,
        situation: Upload,
        row: Row,
        rules: tuple[str, ...],
        seconds: float,
        problems: list[str],
    ) -> Result:
        if row["status"] == AWAITING:
            raise UserError("it awaits an approval, which was not foretold")
        file_id: str = row["file_id"]
        execution = read_execution(self.deployed, row)
        announced = self.probe.wait_for(_outcome_of(file_id), EVENT_LIMIT)
        events = self._events_about(file_id, set(situation.expect.events))
        taken_by = [name for e in events for name in self.deployed.rules_for("orders", e)]
        curated = read_curated(self.deployed, row)
        seen = observed(
            self.deployed, (*rules, *taken_by), row, execution, curated, _announced_by_us(events)
        )
        expected = situation.expect
        if not self.database.configured:
            expected = on_stage_without_database(expected)
        problems += compare(expected, seen)
        if announced:
            stored = self.database.read(file_id)
            problems += disagreements(row, announced["detail"], curated, stored)
        direct = "IntakeSmallFile"
        path = execution.path if execution else direct
        if execution and rules == ("SmallFileUploaded",):
            path = f"{direct} hands over: {path}"
        return Result(
            situation,
            came_in(situation),
            " + ".join(rules),
            path,
            row["status"],
            seconds,
            problems,
            seen,
            file_id,
        )

    def _events_about(self, file_id: str, expected: set[str]) -> list[dict[str, Any]]:
        """The events about a file; an earlier one may come through later than its outcome."""
        about = _about(file_id)
        self.probe.wait_until(
            lambda: expected <= set(_announced_by_us(self.probe.seen(about))), STRAGGLER_LIMIT
        )
        return self.probe.seen(about)

    def _bus_event(self, situation: BusEvent) -> Result:
        start = time.monotonic()
        event = self._filled_in(situation.path)
        rules = self.deployed.rules_for(situation.bus, event)
        seen = msgspec.structs.replace(situation.expect, rules=rules)
        return Result(
            situation,
            came_in(situation),
            " + ".join(rules) or "none",
            f"asked the rules of the {situation.bus} bus",
            "matched" if rules else "ignored",
            time.monotonic() - start,
            compare(situation.expect, seen),
        )

    def _filled_in(self, path: Path) -> dict[str, Any]:
        """An event of events/bus with the stage's own names in it."""
        text = string.Template(path.read_text(encoding="utf-8")).substitute(
            uploads_bucket=self.deployed.bucket,
            account=self.deployed.account,
            region=self.deployed.stage.region,
            stage=self.deployed.stage.name,
        )
        event: dict[str, Any] = msgspec.json.decode(text)
        return event

    def _scheduled_call(self, situation: ScheduledCall) -> Result:
        """Settle this replay's uploads; findings about anyone else's are not its business."""
        start = time.monotonic()
        sent, result = call_schedule(
            self.deployed, situation.schedule, self.started, datetime.now(UTC)
        )
        foretold = msgspec.json.decode(situation.path.read_bytes())
        problems = []
        if set(foretold) != set(sent) - {"from", "to"}:
            problems.append(f"the schedule sends {sorted(sent)}, expected {sorted(foretold)}")
        settled, own = int(result["uploads"]), self._settled_keys()
        if settled < own:
            problems.append(f"uploads: expected at least the replay's own {own}, got {settled}")
        seen = SettlementExpected(findings=self._own_findings(int(result["findings"])))
        problems += compare(situation.expect, seen)
        return Result(
            situation,
            came_in(situation),
            f"schedule {situation.schedule}",
            situation.schedule,
            f"{settled} uploads settled, {seen.findings} findings",
            time.monotonic() - start,
            problems,
        )

    def _settled_keys(self) -> int:
        return sum(
            one.key.startswith("incoming/") and one.key.endswith(".csv") for one in self.uploaded
        )

    def _own_findings(self, announced: int) -> int:
        """How many of the findings are about this replay's uploads, once all have come through."""
        own = {one.file_id for one in self.uploaded}

        def finding(event: dict[str, Any]) -> bool:
            return bool(event["detail-type"] == "SettlementFinding")

        self.probe.wait_until(lambda: len(self.probe.seen(finding)) >= announced, EVENT_LIMIT)
        return sum(event["detail"].get("file_id") in own for event in self.probe.seen(finding))


def _announced_by_us(events: list[dict[str, Any]]) -> list[str]:
    """What the application announced; a person's decision is another source's event."""
    return [event["detail-type"] for event in events if event["source"] == "order-intake"]


def _about(file_id: str) -> Callable[[dict[str, Any]], bool]:
    return lambda event: (
        event["source"].startswith("order-intake")
        and event["detail-type"] != "SettlementFinding"
        and event["detail"].get("file_id") == file_id
    )


def _outcome_of(file_id: str) -> Callable[[dict[str, Any]], bool]:
    about = _about(file_id)
    return lambda event: about(event) and event["detail-type"].startswith(OUTCOME_PREFIX)


def _question_about(file_id: str) -> Callable[[dict[str, Any]], bool]:
    about = _about(file_id)
    return lambda event: about(event) and event["detail-type"] == "ApprovalRequested"


def play_all(replay: Replay, situations: list[Situation]) -> Iterator[Result]:
    """Results as they come; what a schedule starts comes last, when all uploads have ended."""
    last = [one for one in situations if isinstance(one, ScheduledCall)]
    first = [one for one in situations if not isinstance(one, ScheduledCall)]
    # The largest first: they take longest.
    first.sort(key=lambda one: -one.path.stat().st_size)
    yield from concurrently(replay.play, first)
    for situation in last:
        yield replay.play(situation)


def concurrently[T, R](work: Callable[[T], R], things: Iterable[T]) -> Iterator[R]:
    """Results of `work` as they come, from WORKERS threads that end with the program.

    Daemon threads, because an executor's would hold up Ctrl-C until each has waited to its limit.
    """
    waiting: queue.SimpleQueue[T] = queue.SimpleQueue()
    done: queue.SimpleQueue[R | BaseException] = queue.SimpleQueue()
    count = 0
    for thing in things:
        waiting.put(thing)
        count += 1

    def worker() -> None:
        while True:
            try:
                done.put(work(waiting.get_nowait()))
            except queue.Empty:
                return
            except BaseException as error:  # noqa: BLE001, RUF100 - raised again by the reader
                done.put(error)

    for _ in range(min(WORKERS, count)):
        threading.Thread(target=worker, daemon=True).start()
    for _ in range(count):
        result = done.get()
        if isinstance(result, BaseException):
            raise result
        yield result
