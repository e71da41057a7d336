"""The stage that the model is compared with: what is done to it, and what is seen of it."""

import io
import json
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

from operations.commands.retry import retry
from operations.database.connection import find_database
from operations.deployed import Deployed
from operations.files.order_file import AWAITING, FINAL, Row, Uploaded, execution_of, put, read_row
from operations.reconciliation.report import check
from operations.scenarios.announced import outcome_of, question_about
from operations.services import faults as service_faults
from operations.services import postgres
from tests.model.orders import Key
from workbench.local_cloud.emulator import faults
from workbench.replay import redrive
from workbench.replay.archive import chosen_rules, deliver
from workbench.replay.probe import Probe
from workbench.stages.waiting import wait_until

LIMIT = 60.0  # seconds; everything takes a second or two
ALWAYS = 10_000
DAYS_TO_PASS = 4
PROFILE = "order_intake/partners/nordwind.toml"
DIRECT, SMALL = "IntakeSmallFile", "SmallFileUploaded"


class ModelStage:
    """The deployed local stage, with a probe on its buses."""

    def __init__(self, deployed: Deployed, probe: Probe) -> None:
        self.deployed, self.probe = deployed, probe
        self._rates_day = datetime.now(UTC).date()
        self._broken = self._publish_with_broken_profile()
        self._owner = postgres.connect_as_owner(postgres.port(), postgres.DATABASE)
        self._owner.autocommit = True
        self._queue_urls = list(deployed.dead_letter_queues)

    def close(self) -> None:
        """End the session with the database, and leave nothing of the model's on the stage."""
        self._owner.close()
        client = self.deployed.stage.client("lambda")
        client.remove_permission(FunctionName=self._broken, StatementId=_statement(self._broken))
        client.delete_function(FunctionName=self._broken)
        service_faults.set_rates_day(None)

    # ------------------------------------------------------------- what is done

    def upload(self, key: str, data: bytes) -> Uploaded:
        """Upload a file as a partner does."""
        return put(self.deployed, key, data)

    def deliver_again(self, uploaded: Uploaded, size: int) -> None:
        """Call the targets of an upload's notification once more, and wait for their end."""
        event = self.deployed.upload_event(uploaded.key, size)
        event["detail"]["object"]["version-id"] = uploaded.version_id
        event["time"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for rule in self.deployed.rules_for("default", event):
            for target in self.deployed.targets_of("default", rule):
                self._call(target, event)

    def _call(self, target: str, event: dict[str, Any]) -> None:
        if ":stateMachine:" not in target:
            self.deployed.stage.client("lambda").invoke(
                FunctionName=target, Payload=json.dumps(event)
            )
            return
        states = self.deployed.stage.client("stepfunctions")
        arn = states.start_execution(stateMachineArn=target, input=json.dumps(event))[
            "executionArn"
        ]
        wait_until(
            lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING",
            "the second delivery ends",
            LIMIT,
        )

    def decide(self, decision: dict[str, str]) -> None:
        """Send a decision's event, and wait until DecideApproval has dealt with it."""
        since = time.time() - 1
        before = self._answers(decision["file_id"], since)
        self.deployed.stage.client("events").put_events(
            Entries=[
                {
                    "EventBusName": self.deployed.orders_bus,
                    "Source": "order-intake.operators",
                    "DetailType": "ApprovalDecided",
                    "Detail": json.dumps(decision),
                }
            ]
        )
        wait_until(
            lambda: self._answers(decision["file_id"], since) > before,
            "DecideApproval answers",
            LIMIT,
        )

    def _answers(self, file_id: str, since: float) -> int:
        """Return how many decisions about a file DecideApproval has dealt with since then."""
        logs = self.deployed.stage.client("logs")
        answer = logs.filter_log_events(
            logGroupName=f"/aws/lambda/{self.deployed.stage.prefix}-DecideApproval",
            startTime=int(since * 1000),
        )
        lines = [event["message"] for event in answer["events"]]
        return sum(1 for line in lines if file_id in line and '"applied"' in line)

    def let_answer_time_pass(self, row: Row) -> None:
        """Let the time be over in which a person may answer."""
        faults.time_out(str(execution_of(row)))

    def retry(self, file_id: str) -> None:
        """Run a file again, as `make retry` does."""
        retry(self.deployed, file_id)

    def redrive(self) -> set[str]:
        """Send failed messages again, as `make redrive` does; return the versions they name."""
        about = self._dead_letters()
        with mock.patch.object(redrive, "POLL", 0):  # what this machine's queues have is there
            redrive.main([])
        return about

    def wait_for_dead_letter(self, version_id: str) -> None:
        """Wait until the message about an upload has come to the functions' dead-letter queue."""
        wait_until(
            lambda: version_id in self._dead_letters("functions-dlq"), "a dead letter", LIMIT
        )

    def _dead_letters(self, name: str = "") -> set[str]:
        client = self.deployed.stage.client("sqs")
        found: dict[str, str] = {}
        for url in (one for one in self._queue_urls if one.endswith(name)):
            while True:
                answer = client.receive_message(
                    QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0
                )
                new = {m["MessageId"]: m["Body"] for m in answer.get("Messages", [])}
                if not set(new) - set(found):
                    break
                found |= new
        return {
            version
            for body in found.values()
            if (version := _version_in(json.loads(body))) is not None
        }

    def replay_archive(self, since: datetime) -> None:
        """Deliver the orders bus's events since then again, as `make replay-archive` does."""
        bus, arns = chosen_rules(self.deployed, "OutcomeAnnounced,ApprovalDecided")
        deliver(self.deployed, bus, since, datetime.now(UTC) + timedelta(seconds=1), arns)

    @contextmanager
    def without(self, function: str) -> Iterator[None]:
        """Let a function have no place to run inside the block: every call of it is throttled."""
        client, name = (
            self.deployed.stage.client("lambda"),
            f"{self.deployed.stage.prefix}-{function}",
        )
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        try:
            yield
        finally:
            client.delete_function_concurrency(FunctionName=name)

    def stop_execution(self, file_id: str) -> None:
        """Stop the execution of a file whose calls are throttled; no call of it is under way."""
        states = self.deployed.stage.client("stepfunctions")

        def history(arn: str) -> list[dict[str, Any]]:
            events: list[dict[str, Any]]
            events = states.get_execution_history(executionArn=arn)["events"]
            return events

        def throttled() -> str | None:
            arn = execution_of(self.row(file_id) or {})
            return arn if arn and any(map(_is_throttled, history(arn))) else None

        arn = wait_until(throttled, f"a call about file {file_id} is throttled", LIMIT)
        states.stop_execution(executionArn=arn, error="model", cause="model")
        before_it = [one for one in history(arn) if one["type"] != "ExecutionAborted"]
        if not _is_throttled(before_it[-1]):
            time.sleep(1)  # a call had begun: it is throttled meanwhile, as those before it

    def let_claim_expire(self, file_id: str) -> None:
        """Let the claim on a file be over, as it is two days later."""
        self._set_claim(file_id, 1)

    def let_claim_last(self, file_id: str) -> None:
        """Let the claim on a file last: a call's own is over in a minute, in whichever step."""
        self._set_claim(file_id, int(time.time()) + 86_400)

    def _set_claim(self, file_id: str, until: int) -> None:
        self.deployed.stage.client("dynamodb").update_item(
            TableName=self.deployed.ledger,
            Key={"pk": {"S": f"file#{file_id}"}},
            UpdateExpression="SET claim_expires_at = :until",
            ExpressionAttributeValues={":until": {"N": str(until)}},
        )

    def reconcile(self, since: datetime, file_ids: set[str]) -> list[str]:
        """Return what the reconciliation reports of these files."""
        database = find_database(self.deployed)
        return check(self.deployed, database, None, since, file_ids).problems

    def let_hours_pass(self) -> None:
        """Run the hourly look at what is unfinished."""
        self.deployed.stage.client("lambda").invoke(
            FunctionName=f"{self.deployed.stage.prefix}-FindUnfinished", Payload=b"{}"
        )

    @contextmanager
    def failing(self, *requests: dict[str, Any]) -> Iterator[None]:
        """Let these requests fail inside the block."""
        faults.set_requests([{"times": ALWAYS, **one} for one in requests])
        try:
            yield
        finally:
            faults.set_requests([])

    def let_a_day_pass(self) -> None:
        """Let the rates API have the next working day's rates; after today's, nothing new."""
        self._rates_day = min(_working_day(self._rates_day, 1), datetime.now(UTC).date())
        service_faults.set_rates_day(self._rates_day)

    def begin_world(self) -> None:
        """Let the rates API be some days behind; later steps bring it up to today."""
        self._rates_day = datetime.now(UTC).date() + timedelta(1)
        for _ in range(DAYS_TO_PASS + 1):
            self._rates_day = _working_day(self._rates_day, -1)
        service_faults.set_rates_day(self._rates_day)

    @contextmanager
    def broken_profile(self) -> Iterator[None]:
        """Let small files go to a version that has a wrong profile of nordwind inside the block."""
        events, rule = self.deployed.stage.client("events"), f"{self.deployed.rule_prefix}{SMALL}"
        sound = events.list_targets_by_rule(Rule=rule)["Targets"]
        events.put_targets(Rule=rule, Targets=[{**one, "Arn": self._broken} for one in sound])
        try:
            yield
        finally:
            events.put_targets(Rule=rule, Targets=sound)

    def _publish_with_broken_profile(self) -> str:
        """Publish a version of the direct route's function that has a wrong profile; its ARN.

        A version, because calls may be under way when the wrong profile comes and when it goes.
        """
        client = self.deployed.stage.client("lambda")
        name = f"{self.deployed.stage.prefix}-{DIRECT}"
        with urllib.request.urlopen(  # noqa: S310 - loopback
            client.get_function(FunctionName=name)["Code"]["Location"]
        ) as body:
            sound: bytes = body.read()
        self._install(name, _with_broken_profile(sound))
        try:
            arn: str = client.publish_version(FunctionName=name)["FunctionArn"]
        finally:
            self._install(name, sound)
        client.add_permission(
            FunctionName=arn,
            StatementId=_statement(arn),
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=self.deployed.arn("events", f"rule/{self.deployed.rule_prefix}{SMALL}"),
        )
        return arn

    def _install(self, function: str, package: bytes) -> None:
        client = self.deployed.stage.client("lambda")
        client.update_function_code(FunctionName=function, ZipFile=package)
        client.get_waiter("function_updated_v2").wait(
            FunctionName=function, WaiterConfig={"Delay": 0.1}
        )

    # ------------------------------------------------------------- what is seen

    def row(self, file_id: str) -> Row | None:
        """Return a file's ledger row."""
        return read_row(self.deployed, file_id)

    def settled(self, file_id: str) -> Row:
        """Return a file's row once it has its outcome and its event, or its question is out."""

        def look() -> Row | None:
            row = self.row(file_id)
            if row is None:
                return None
            if row["status"] in FINAL and self._is_announced(row):
                return row
            asked = self.probe.seen(question_about(file_id))
            return row if row["status"] == AWAITING and self._is_asked(row, asked) else None

        return wait_until(look, f"file {file_id} has its outcome or asks a person", LIMIT)

    def _is_announced(self, row: Row) -> bool:
        said = (f"OrderFile{row['status']}", row["closed_at"])
        return said in self.outcomes(row["file_id"])

    def _is_asked(self, row: Row, asked: list[dict[str, Any]]) -> bool:
        return any(event["detail"]["question_id"] == _question_id(row) for event in asked)

    def outcomes(self, file_id: str) -> list[tuple[str, str]]:
        """Return a file's announced outcomes, repetitions left out: detail type and `closed_at`."""
        events = self.probe.seen(outcome_of(file_id))
        said = {(event["detail-type"], event["detail"]["closed_at"]) for event in events}
        return sorted(said, key=lambda one: one[1])

    def findings(self, file_id: str) -> list[str]:
        """Return the kinds of findings that were announced about a file."""
        return [
            event["detail"]["kind"]
            for event in self.probe.seen(
                lambda e: (
                    bool(e["detail-type"] == "ReconciliationFinding")
                    and e["detail"]["file_id"] == file_id
                )
            )
        ]

    def question_of(self, row: Row) -> dict[str, str]:
        """Return the decision about a file that waits, without what was decided."""
        return {
            "schema_version": "2.0",
            "file_id": row["file_id"],
            "question_id": _question_id(row),
        }

    def money(self, prefix: str) -> dict[Key, list[Decimal]]:
        """Return the amounts of every line that the database has of orders with this prefix."""
        found: dict[Key, list[Decimal]] = {}
        rows = self._owner.execute(
            "SELECT invoice, sku, amount FROM order_line WHERE starts_with(invoice, %s)", [prefix]
        )
        for invoice, sku, amount in rows:
            found.setdefault((invoice, sku), []).append(amount)
        return found

    def sums(self, file_id: str) -> tuple[int, Decimal, Decimal]:
        """Return lines, amount and base amount that the database has of a file."""
        rows = self._owner.execute(
            "SELECT count(*), coalesce(sum(amount), 0), coalesce(sum(house_amount), 0)"
            " FROM order_line WHERE file_id = %s",
            [file_id],
        )
        [(lines, amount, base)] = rows.fetchall()
        return int(lines), amount, base


def fault(service: str, request: str, action: str, **more: object) -> dict[str, Any]:
    """Return a fault of requests, as the local cloud takes it."""
    return {"service": service, "request": request, "action": action, **more}


def _statement(version: str) -> str:
    """Return the name of the permission to call a version."""
    return f"model-{version.rpartition(':')[2]}"


def _is_throttled(event: dict[str, Any]) -> bool:
    """Return whether an event of an execution's history says that a call was throttled."""
    error = event.get("taskFailedEventDetails", {}).get("error")
    return bool(error == "Lambda.TooManyRequestsException")


def _working_day(day: date, step: int) -> date:
    """Return the next working day, or with -1 the one before: others have no rates of their own."""
    day += timedelta(step)
    while day.isoweekday() > 5:
        day += timedelta(step)
    return day


def _question_id(row: Row) -> str:
    """Return the identity of the question that a file waits with: its run, and why it is asked."""
    return f"{row['file_id']}-{row['run']}-{row['question']}"


def _version_in(record: dict[str, Any]) -> str | None:
    event = record.get("requestPayload", record)
    try:
        return str(event["detail"]["object"]["version-id"])
    except (KeyError, TypeError):
        return None


def _with_broken_profile(package: bytes) -> bytes:
    """Return the package with dates that nordwind does not write."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(package)) as source,
        zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as target,
    ):
        for member in source.infolist():
            data = source.read(member)
            if member.filename == PROFILE:
                data = data.replace(b"%d.%m.%Y", b"%Y-%m-%d")
            target.writestr(member, data)
    return written.getvalue()
