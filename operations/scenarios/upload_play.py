"""Letting one upload happen, with all that its TOML says of it, and comparing what comes of it."""

import json
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Protocol

import msgspec

from operations.database.connection import Database
from operations.deployed import Deployed
from operations.files.decide import give_decision
from operations.files.follow import LIMIT, follow, wait_for_execution
from operations.files.order_file import AWAITING, Row, Uploaded, execution_of, put, read_row
from operations.files.way import way_of
from operations.scenarios.announced import about, outcome_of, question_about
from operations.scenarios.faulty import (
    errors_logged,
    failing,
    lift_database,
    not_struck,
    wait_for_webhook,
)
from operations.scenarios.fresh import fresh, new_mark
from operations.scenarios.outcome import disagreements, observed, read_curated, read_execution
from operations.scenarios.uploads import EARLIER, Upload, UploadOutcome
from workbench.checks.released_schemas import problems
from workbench.history.why import command, why
from workbench.local_cloud.emulator.faults import time_out
from workbench.replay.kinds.aftermath import wait_for_dead_letter, wait_for_log
from workbench.replay.probe import EVENT_LIMIT, Probe
from workbench.replay.result import Result, Taken, compare, failed, side_by_side
from workbench.stages.errors import UserError
from workbench.stages.stage import PROJECT
from workbench.stages.waiting import wait_until, within

STRAGGLER_LIMIT = 5.0  # seconds more for an event that was sent before one that has come
DECIDED_BY = "replay"
IN_VAIN = "replay, in vain"
NOTED_AFTERWARDS = ("announced", "unfinished")


class Playing(Protocol):
    """The running replay, as far as an upload needs it."""

    deployed: Deployed
    probe: Probe
    database: Database
    uploaded: list[Uploaded]
    tokens: dict[str, str]


class UploadPlay:
    """One upload of a running replay."""

    def __init__(self, replay: Playing, scenario: Upload) -> None:
        self._replay = replay
        self._deployed, self._probe = replay.deployed, replay.probe
        self._scenario = scenario
        self._file = scenario.file
        mark = new_mark()  # the same for both, so that what is a duplicate stays one
        self._content = fresh(scenario.content, scenario.partner, mark)
        self._earlier_content = fresh(scenario.earlier_content, scenario.partner, mark)
        self._problems: list[str] = []
        self._started = time.time() - 1
        self._uploaded: Uploaded | None = None
        self._earlier: Uploaded | None = None
        self._taken: list[Taken] = []
        self._second_delivery: Future[None] | None = None

    def play(self) -> Result:
        """Upload the file, let happen what is to happen, and compare."""
        start = time.monotonic()
        try:
            return self._played()
        except UserError as error:
            found = failed(self._scenario, time.monotonic() - start, str(error))
            return replace(found, executions=self._executions(), events=tuple(self._taken))

    def _executions(self) -> tuple[str, ...]:
        """The executions that work on the file, whatever became of it."""
        if self._uploaded is None:
            return ()
        try:
            return tuple(way_of(self._deployed, self._uploaded.file_id).executions)
        except UserError:
            return ()

    def _played(self) -> Result:
        faults = self._file.faults
        if faults is None:
            rules, row, seconds = self._happen()
        else:
            with failing(self._deployed, faults):
                rules, row, seconds = self._happen()
                self._problems += not_struck(self._deployed, faults, self._started)
        if row is None:
            return self._nothing(rules, seconds)
        return self._result(row, rules, seconds)

    def _happen(self) -> tuple[tuple[str, ...], Row | None, float]:
        """The rules that take the upload, its final row (None: no rule does), and its seconds."""
        self._upload_earlier()
        start = time.monotonic()
        key = self._scenario.key
        if self._earlier is not None:
            key = key.replace(EARLIER, self._earlier.file_id)
        uploaded = self._uploaded = self._put(key, self._content)
        self._deliver_at_once(uploaded)
        if self._file.faults is not None:
            lift_database(self._deployed, self._file.faults, uploaded.file_id, self._started)
        event = self._its_event(uploaded)
        rules = self._deployed.rules_for("default", event)
        self._taken.append(Taken("default", event, rules))
        row = self._follow(uploaded) if rules else read_row(self._deployed, uploaded.file_id)
        seconds = time.monotonic() - start
        if self._second_delivery is not None:
            self._second_delivery.result(LIMIT)
        if row is not None:
            if row["status"] == AWAITING:
                raise UserError("it awaits an approval, which was not expected")
            self._check_earlier(row)
            self._deliver_afterwards(event, rules, row)
            self._decide_afterwards(row)
            self._check_dead_letters(uploaded)
            self._check_webhook(uploaded)
        return rules, row, seconds

    def _put(self, key: str, content: bytes) -> Uploaded:
        uploaded = put(self._deployed, key, content)
        self._replay.uploaded.append(uploaded)
        return uploaded

    def _upload_earlier(self) -> None:
        if self._file.earlier is None:
            return
        self._earlier = self._put(self._scenario.earlier_key, self._earlier_content)
        if self._file.earlier.awaited:
            follow(self._deployed, self._earlier.file_id, lambda: False, LIMIT)

    def _check_earlier(self, row: Row) -> None:
        if self._earlier is None or self._file.earlier is None:
            return
        first = follow(self._deployed, self._earlier.file_id, lambda: False, LIMIT)
        if first["status"] != self._file.earlier.outcome:
            self._problems.append(
                f"the earlier upload: expected {self._file.earlier.outcome}, got {first['status']}"
            )
        if row["status"] == "Duplicate" and row.get("duplicate_of") != first["file_id"]:
            self._problems.append("duplicate_of does not name the earlier upload")

    def _its_event(self, uploaded: Uploaded) -> dict[str, Any]:
        """The event which S3 really sent of the upload."""

        def is_it(event: dict[str, Any]) -> bool:
            thing = event["detail"].get("object", {}) if event["source"] == "aws.s3" else {}
            return bool(
                thing.get("key") == uploaded.key
                and thing.get("version-id", uploaded.version_id) == uploaded.version_id
            )

        event = self._probe.wait_for(is_it, EVENT_LIMIT)
        if event is None:
            raise UserError(f"S3 announced no upload of {uploaded.key} in {EVENT_LIMIT:.0f} s")
        return event

    def _follow(self, uploaded: Uploaded) -> Row:
        def decide() -> bool:
            if self._file.decision is None:
                return False
            # The ledger's row changes first; a person knows only once the question has come.
            if not self._probe.wait_for(question_about(uploaded.file_id), EVENT_LIMIT):
                raise UserError(f"no ApprovalRequested came within {EVENT_LIMIT:.0f} s")
            awaiting = read_row(self._deployed, uploaded.file_id) or {}
            self._replay.tokens[awaiting["task_token"]] = f"task token of {uploaded.file_id}"
            if self._file.decision == "nobody":
                time_out(str(execution_of(awaiting)))
                return True
            give_decision(self._deployed, uploaded.file_id, self._file.decision, DECIDED_BY)
            for decision in self._file.further_decisions:
                self._wait_for_approval(uploaded)  # events keep no order
                give_decision(self._deployed, uploaded.file_id, decision, IN_VAIN)
            return True

        return follow(self._deployed, uploaded.file_id, decide, LIMIT, uploaded=uploaded)

    def _wait_for_approval(self, uploaded: Uploaded) -> None:
        """Wait until the first decision stands in the ledger."""
        wait_until(
            lambda: (read_row(self._deployed, uploaded.file_id) or {}).get("approval"),
            "the decision is applied",
            EVENT_LIMIT,
        )

    def _decide_afterwards(self, row: Row) -> None:
        """Give the further decisions when all is over: each must be told to be in vain."""
        if not self._file.further_decisions:
            return
        execution = execution_of(row)
        if execution:
            wait_for_execution(self._deployed, execution)
        for decision in self._file.further_decisions:
            since = time.time() - 1
            give_decision(self._deployed, row["file_id"], decision, IN_VAIN)
            said = '"applied":false'
            if not wait_for_log(self._deployed, ["DecideApproval"], row["file_id"], said, since):
                self._problems.append(f"the decision {decision} afterwards was not told to be vain")
        after = read_row(self._deployed, row["file_id"])
        if _outcome_in(after) != _outcome_in(row):
            self._problems.append("a decision afterwards changed the ledger")

    def _deliver_at_once(self, uploaded: Uploaded) -> None:
        """Hand the upload's notification to the rules' targets while S3 does so itself."""
        if "at once" not in self._file.delivered_again:
            return
        event = self._deployed.upload_event(uploaded.key, len(self._content))
        event["detail"]["object"]["version-id"] = uploaded.version_id
        rules = self._deployed.rules_for("default", event)
        background = ThreadPoolExecutor(1)
        self._second_delivery = background.submit(self._deliver, event, rules)
        background.shutdown(wait=False)

    def _deliver_afterwards(self, event: dict[str, Any], rules: tuple[str, ...], row: Row) -> None:
        if "afterwards" not in self._file.delivered_again:
            return
        execution = execution_of(row)
        if execution:
            wait_for_execution(self._deployed, execution)
        before = _outcome_in(read_row(self._deployed, row["file_id"]))
        self._deliver(event, rules)
        if _outcome_in(read_row(self._deployed, row["file_id"])) != before:
            self._problems.append("the second delivery changed the ledger")

    def _deliver(self, event: dict[str, Any], rules: tuple[str, ...]) -> None:
        """Call the targets of these rules as EventBridge would, and wait for their end."""
        for rule in rules:
            for target in self._deployed.targets_of("default", rule):
                if ":stateMachine:" in target:
                    started = self._deployed.stage.client("stepfunctions").start_execution(
                        stateMachineArn=target, input=json.dumps(event)
                    )
                    wait_for_execution(self._deployed, started["executionArn"], LIMIT)
                else:
                    answer = self._deployed.stage.client("lambda").invoke(
                        FunctionName=target, Payload=json.dumps(event).encode()
                    )
                    if "FunctionError" in answer:
                        raise UserError("the second delivery made the function fail")

    def _nothing(self, rules: tuple[str, ...], seconds: float) -> Result:
        """The result of an upload that no rule takes."""
        seen = UploadOutcome(rules=rules)
        self._problems += compare(self._scenario.expect, seen)
        return Result(
            self._scenario,
            "none",
            "no rule takes it",
            "nothing happens",
            seconds,
            self._problems,
            seen,
            fields=side_by_side(self._scenario.expect, seen),
            events=tuple(self._taken),
        )

    def _result(self, row: Row, rules: tuple[str, ...], seconds: float) -> Result:
        file_id: str = row["file_id"]
        execution = read_execution(self._deployed, row)
        announced = self._probe.wait_for(outcome_of(file_id), EVENT_LIMIT)
        events = self._events_about(file_id)
        taken = [Taken("orders", one, self._deployed.rules_for("orders", one)) for one in events]
        curated = read_curated(self._deployed, row)
        stored = self._replay.database.read(file_id)
        seen = observed(
            self._deployed,
            (*rules, *(name for one in taken for name in one.rules)),
            row,
            execution,
            curated,
            stored,
            _announced_by_us(events),
        )
        expected = self._scenario.expect
        if not self._replay.database.configured:
            expected = without_database(expected)
        self._problems += compare(expected, seen)
        self._check_errors(file_id)
        self._problems += [each for event in events for each in problems(event)]
        if announced:
            self._problems += disagreements(row, announced["detail"], curated, stored)
        direct = "IntakeSmallFile"
        path = execution.path if execution else direct
        if execution and rules == ("SmallFileUploaded",):
            path = f"{direct} hands over: {path}"
        return Result(
            self._scenario,
            " + ".join(rules),
            path,
            row["status"],
            seconds,
            self._problems,
            seen,
            file_id,
            fields=side_by_side(expected, seen),
            executions=tuple(filter(None, [execution_of(row)])),
            events=(*self._taken, *taken),
            why=self._why(row),
        )

    def _why(self, row: Row) -> list[str]:
        """Where a file that was to end otherwise has failed, and how to see its way."""
        execution = execution_of(row)
        if not self._problems:
            return []
        if execution is None:
            return [f"see {command(self._deployed.stage, 'history', FILE_ID=row['file_id'])}"]
        return why(self._deployed, execution, FILE_ID=row["file_id"])

    def _check_dead_letters(self, uploaded: Uploaded) -> None:
        """Hold against what is expected which calls were given up about the file."""
        for error in self._file.dead_letters:
            # The version is in S3's event as it is in an outcome's.
            found = wait_for_dead_letter(self._deployed, uploaded.version_id)
            if found != error:
                self._problems.append(f"dead letter: expected {error}, got {found or 'none'}")

    def _check_webhook(self, uploaded: Uploaded) -> None:
        """A webhook that fails for a while is told in the end, one that stays away is not."""
        if self._file.faults is None or not self._file.faults.webhook:
            return
        notified = wait_for_webhook(uploaded.file_id, 0 if self._file.dead_letters else EVENT_LIMIT)
        if notified == bool(self._file.dead_letters):
            self._problems.append(f"the partner was {'' if notified else 'not '}told the outcome")

    def _check_errors(self, file_id: str) -> None:
        """Hold against what is expected which errors the functions have logged."""
        if self._file.faults is not None:
            logged = self._wait_for_errors(file_id)
            if logged != set(self._file.errors):
                got = " + ".join(sorted(logged)) or "none"
                self._problems.append(
                    f"errors: expected {' + '.join(self._file.errors) or 'none'}, got {got}"
                )

    def _wait_for_errors(self, file_id: str) -> set[str]:
        """The errors logged about the file; a log may come later than what it reports."""

        def logged() -> set[str]:
            return errors_logged(self._deployed, file_id, self._started)

        within(STRAGGLER_LIMIT, lambda: logged() >= set(self._file.errors))
        return logged()

    def _events_about(self, file_id: str) -> list[dict[str, Any]]:
        """The events about a file; an earlier one may come through later than its outcome."""
        of_the_file, expected = about(file_id), set(self._scenario.expect.events)
        self._probe.wait_until(
            lambda: expected <= set(_announced_by_us(self._probe.seen(of_the_file))),
            STRAGGLER_LIMIT,
        )
        return [e for e in self._probe.seen(of_the_file) if _counts(e)]


def without_database(expected: UploadOutcome) -> UploadOutcome:
    """Return what is expected on a stage that has no database: nothing can be loaded there."""
    return msgspec.structs.replace(expected, loaded=False)


def _outcome_in(row: Row | None) -> Row:
    """Return a row without the note that its outcome was announced, which comes a little later."""
    return {name: value for name, value in (row or {}).items() if name not in NOTED_AFTERWARDS}


def _announced_by_us(events: list[dict[str, Any]]) -> list[str]:
    """What the application announced; a person's decision is another source's event."""
    return [event["detail-type"] for event in events if event["source"] == PROJECT]


def _counts(event: dict[str, Any]) -> bool:
    """Whether an event is part of the file's way: decisions in vain, given by replay, are not."""
    return bool(event["detail"].get("decided_by") != IN_VAIN)
