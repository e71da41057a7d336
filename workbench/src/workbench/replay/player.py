"""Letting situations happen on a stage, several at a time, and comparing what comes of them."""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from operations.database.connection import Database
from operations.follow import Uploaded
from operations.reconciliation.report import Reconciliation, check
from operations.scenarios.settlement import call_schedule
from operations.scenarios.upload_play import UploadPlay
from workbench.replay.bus_play import play_bus_event
from workbench.replay.probe import EVENT_LIMIT, Probe
from workbench.replay.result import Result, came_in, compare, failed
from workbench.replay.situations import (
    BusEvent,
    ScheduledCall,
    SettlementExpected,
    Situation,
    Upload,
)
from workbench.stages.deployed import Deployed
from workbench.stages.errors import UserError

WORKERS = 6  # situations at the same time
CALLS = 5  # of functions that one of them makes at a time: the template's MapMaxConcurrency


@dataclass
class Replay:
    """A running replay: the stage, the window on its events, and what it has uploaded so far."""

    deployed: Deployed
    probe: Probe
    database: Database
    uploaded: list[Uploaded] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    # S3 tells an upload's time in whole seconds.
    started: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def play(self, situation: Situation) -> Result:
        """Let `situation` happen and compare; what AWS refuses is a difference, too."""
        start = time.monotonic()
        try:
            match situation:
                case Upload():
                    return UploadPlay(self, situation).play()
                case BusEvent():
                    return play_bus_event(self.deployed, self.probe, situation)
                case ScheduledCall():
                    return self._scheduled_call(situation)
                case _:
                    raise TypeError(situation)
        except (UserError, ClientError, BotoCoreError) as error:
            return failed(situation, time.monotonic() - start, str(error))

    def reconcile(self) -> Reconciliation | None:
        """The reconciliation of what this replay has uploaded; None when that is nothing."""
        only = {one.file_id for one in self.uploaded if one.key.startswith("incoming/")}
        if not only:
            return None

        def events() -> list[dict[str, Any]]:
            return self.probe.seen(lambda _: True)

        return check(self.deployed, self.database, events, self.started, only, self.tokens)

    def _scheduled_call(self, situation: ScheduledCall) -> Result:
        """Settle this replay's uploads; findings about anyone else's are not its business."""
        start = time.monotonic()
        # The settlement counts in whole seconds: up to the end of this one.
        until = datetime.now(UTC) + timedelta(seconds=1)
        sent, result = call_schedule(self.deployed, situation.schedule, self.started, until)
        expected = msgspec.json.decode(situation.path.read_bytes())
        problems = []
        if set(expected) != set(sent) - {"from", "to"}:
            problems.append(f"the schedule sends {sorted(sent)}, expected {sorted(expected)}")
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
        return sum(one.key.startswith("incoming/") for one in self.uploaded)

    def _own_findings(self, announced: int) -> int:
        """How many of the findings are about this replay's uploads, once all have come through."""
        own = {one.file_id for one in self.uploaded}

        def finding(event: dict[str, Any]) -> bool:
            return bool(event["detail-type"] == "SettlementFinding")

        self.probe.wait_until(lambda: len(self.probe.seen(finding)) >= announced, EVENT_LIMIT)
        return sum(event["detail"].get("file_id") in own for event in self.probe.seen(finding))


def play_all(replay: Replay, situations: list[Situation]) -> Iterator[Result]:
    """Results as they come: first those that disturb no other, at once; then faults, one by one.

    What a schedule starts comes last, when all uploads have ended.
    """
    alone = [one for one in situations if isinstance(one, Upload) and one.told.faults]
    last = alone + [one for one in situations if isinstance(one, ScheduledCall)]
    first = [one for one in situations if one not in last]
    # The largest first: they take longest.
    first.sort(key=lambda one: -one.path.stat().st_size)
    yield from concurrently(replay.play, first, workers(replay.deployed))
    for situation in last:
        yield replay.play(situation)


def workers(deployed: Deployed) -> int:
    """How many situations the account can take at a time: a new one has ten concurrent calls.

    More would throttle each other, and the replay would wait for retries that show nothing.
    """
    limits = deployed.stage.client("lambda").get_account_settings()["AccountLimit"]
    free = int(limits["UnreservedConcurrentExecutions"])
    return max(1, min(WORKERS, free // CALLS))


def concurrently[T, R](
    work: Callable[[T], R], things: Iterable[T], at_once: int = WORKERS
) -> Iterator[R]:
    """Results of `work` as they come, from `at_once` threads that end with the program.

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

    for _ in range(min(at_once, count)):
        threading.Thread(target=worker, daemon=True).start()
    for _ in range(count):
        result = done.get()
        if isinstance(result, BaseException):
            raise result
        yield result
