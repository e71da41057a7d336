"""Whole executions of the real definition: functions that pretend, a real ledger, a real bus."""

import base64
import functools
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import template
from tests.local_cloud.emulator import ENDED, ROLE, Emulator
from tests.workflow.samples import event, file_of
from tests.workflow.single_states import substituted
from workbench.stages.stage import LOCAL_REGION
from workbench.stages.waiting import wait_until
from workbench.workflow import edges

# Does what the script in the file's key says of it: {"PriceChunk": {"raise": …, "times": …}} lets
# the function fail so often, {"AssessFile": {"returns": …}} is its answer, "then" the next ones.
# How often it was called is counted in files, because each call may be in another process.
PRETENDER = """
import base64, json, os, pathlib, time
def handler(event, context):
    name, notes = os.environ["PRETENDS"], pathlib.Path(os.environ["NOTES"])
    file = event.get("file") or event["upload"]
    script = json.loads(base64.urlsafe_b64decode(file["key"].split("/")[2].split(".")[0]))
    part = script.get(name, {})
    noted = notes / (file["file_id"] + name + str(event.get("chunk", {}).get("index", "")))
    with noted.open("a") as calls:
        calls.write(json.dumps(event) + "\\n")
    time.sleep(part.get("seconds", 0))
    only = part.get("chunk", event.get("chunk", {}).get("index"))
    called = len(noted.read_text().splitlines())
    if "raise" in part and called <= part.get("times", 99) and only == event.get(
        "chunk", {}
    ).get("index"):
        raise type(part["raise"], (Exception,), {})("as the script says")
    answer = part.get("returns", event)
    if "then" in part and called > 1:
        answer = part["then"]
    if name == "CloseFile" and "returns" not in part:
        detail = {key: event[key] for key in ("outcome", "reason")} | {"explanation": "as said"}
        detail |= {"file_id": file["file_id"]}
        answer = {"announcement": {"detail_type": "OrderFile" + event["outcome"], "detail": detail}}
    return answer | {"file": file} if answer.get("file") == "the same" else answer
"""

PRETENDED = (
    "RegisterFile",
    "FetchExchangeRates",
    "PriceChunk",
    "AssessFile",
    "RequestApproval",
    "LoadOrders",
    "CurateFile",
    "QuarantineFile",
    "CloseFile",
)


class Bench:
    """What the executions work with; made once."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.emulator = emulator
        self.notes = folder / "notes"
        self.notes.mkdir()
        self._announced: list[dict[str, Any]] = []

    @functools.cached_property
    def table(self) -> str:
        """A ledger."""
        client = self.emulator.client("dynamodb")
        client.create_table(
            TableName="ledger",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        return "ledger"

    @functools.cached_property
    def queue(self) -> str:
        """A queue that gets every event of a bus named `orders`; its URL."""
        events = self.emulator.client("events")
        events.create_event_bus(Name="orders")
        url, arn = self.emulator.queue("announced")
        pattern = json.dumps({"source": ["order-intake"]})
        events.put_rule(Name="all", EventBusName="orders", EventPattern=pattern)
        target = {"Id": "queue", "Arn": arn}
        events.put_targets(Rule="all", EventBusName="orders", Targets=[target])
        return url

    @functools.cached_property
    def bucket(self) -> str:
        """A bucket with a manifest of two chunks."""
        client = self.emulator.client("s3")
        client.create_bucket(
            Bucket="uploads", CreateBucketConfiguration={"LocationConstraint": LOCAL_REGION}
        )
        chunks = json.dumps([{"index": 0}, {"index": 1}])
        client.put_object(Bucket="uploads", Key="manifest.json", Body=chunks)
        return "uploads"

    @functools.cache  # noqa: B019 - one bench a session
    def function(self, name: str) -> str:
        """The function that pretends to be `name`."""
        function = self.emulator.function(PRETENDER)
        self.emulator.client("lambda").update_function_configuration(
            FunctionName=function,
            Environment={"Variables": {"PRETENDS": name, "NOTES": str(self.notes)}},
        )
        return function

    @functools.cache  # noqa: B019 - one bench a session
    def machine(self, values: tuple[tuple[str, str], ...]) -> str:
        """The state machine with these substitutions; its ARN."""
        functions = {f"{name}Arn": self.function(name) for name in PRETENDED}
        filled = substituted(**functions, **dict(values))
        answer = self.emulator.client("stepfunctions").create_state_machine(
            name=f"m-{uuid.uuid4().hex[:8]}", definition=json.dumps(filled), roleArn=ROLE
        )
        return str(answer["stateMachineArn"])

    def announced(self, file_id: str) -> list[dict[str, Any]]:
        """The events about a file that came by now."""
        client = self.emulator.client("sqs")
        while True:
            found = client.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
            for message in found.get("Messages", []):
                self._announced.append(json.loads(message["Body"]))
                client.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            if not found.get("Messages"):
                break
        return [each for each in self._announced if each["detail"]["file_id"] == file_id]


@dataclass
class Ended:
    """An execution that has ended, and what it left."""

    status: str
    output: Any
    error: str | None
    cause: str | None
    way: list[str]
    history: list[dict[str, Any]]
    file: dict[str, Any]
    execution: str = ""
    calls: dict[str, list[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Executions:
    """Runs the workflow; `note` is called with each edge that was taken."""

    bench: Bench
    note: Callable[[str], None]

    def run(
        self,
        script: dict[str, Any],
        *,
        answer: dict[str, Any] | None = None,
        **values: str,
    ) -> Ended:
        """Run a file to its end.

        `script` says what functions do; `answer` is given to whoever waits for a token.
        """
        client = self.bench.emulator.client("stepfunctions")
        machine = self.bench.machine(tuple(values.items()))
        name = f"e-{uuid.uuid4().hex}"
        execution = machine.replace(":stateMachine:", ":execution:") + f":{name}"
        text = base64.urlsafe_b64encode(json.dumps(script | {"as": name}).encode()).decode()
        notification = event(f"incoming/nordwind/{text}.csv", self.bench.bucket)
        file = file_of(notification)
        assert self.bench.queue
        self._put_row(file)
        client.start_execution(stateMachineArn=machine, name=name, input=json.dumps(notification))
        if answer:
            token = wait_until(lambda: self._token(file["file_id"]), "the question", 20)
            client.send_task_success(taskToken=token, output=json.dumps(answer))
        return self._ended(execution, file)

    def _put_row(self, file: dict[str, Any]) -> None:
        terms = {"approval_threshold": {"S": "100.00"}, "tolerance": {"S": "0.01"}}
        item = {"pk": {"S": f"file#{file['file_id']}"}, "terms": {"M": terms}}
        self.bench.emulator.client("dynamodb").put_item(TableName=self.bench.table, Item=item)

    def _token(self, file_id: str) -> str | None:
        noted = self.bench.notes / f"{file_id}RequestApproval"
        if not noted.exists():
            return None
        return str(json.loads(noted.read_text().splitlines()[-1])["task_token"])

    def _ended(self, execution: str, file: dict[str, Any]) -> Ended:
        client = self.bench.emulator.client("stepfunctions")

        def end() -> Any:
            found = client.describe_execution(executionArn=execution)
            return found if found["status"] in ENDED else None

        found = wait_until(end, f"{execution} ends", 30)
        pages = client.get_paginator("get_execution_history").paginate(executionArn=execution)
        history = [entry for page in pages for entry in page["events"]]
        definition = template.definition()
        for edge in edges.of_history(definition, history):
            self.note(edge)
        calls = {
            noted.name.removeprefix(file["file_id"]): [
                json.loads(line) for line in noted.read_text().splitlines()
            ]
            for noted in self.bench.notes.glob(f"{file['file_id']}*")
        }
        way = [
            each["stateEnteredEventDetails"]["name"]
            for each in history
            if "stateEnteredEventDetails" in each
        ]
        return Ended(
            status=found["status"],
            output=json.loads(found.get("output") or "null"),
            error=found.get("error"),
            cause=found.get("cause"),
            way=[name for name in way if name in definition["States"]],
            history=history,
            file=file,
            execution=execution,
            calls=calls,
        )
