"""The AWS services of the unit tests: in memory, and able to fail on demand."""

# ruff: noqa: N803 -- the arguments have boto3's names

import io
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tests.unit.fake_dynamodb import FakeDynamoDB


def client_error(
    code: str, status: int = 400, operation: str = "Operation", **more: Any
) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": "of the test"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return ClientError(answer, operation)


class Body(io.BytesIO):
    """An answer's stream."""

    def iter_chunks(self, size: int) -> Any:
        return iter(lambda: self.read(size), b"")


class FakeS3:
    """A bucket with versions; a key's newest version is its last."""

    def __init__(self, fail: Any) -> None:
        self.versions: dict[str, list[tuple[str, bytes, datetime]]] = {}
        self.reads = 0
        self.page = 1000
        self.listed: list[Any] = []  # behind which key each page began
        self._fail = fail

    def upload(self, key: str, body: bytes, at: datetime | None = None) -> str:
        history = self.versions.setdefault(key, [])
        history.append((f"v{len(history) + 1}", body, at or datetime.now(UTC)))
        return history[-1][0]

    def objects(self, prefix: str) -> dict[str, bytes]:
        return {
            key: history[-1][1] for key, history in self.versions.items() if key.startswith(prefix)
        }

    def get_object(
        self, *, Bucket: str, Key: str, VersionId: str | None = None, Range: str = ""
    ) -> dict[str, Any]:
        self._fail("get_object")
        self.reads += 1
        history = self.versions.get(Key)
        if not history:
            raise client_error("NoSuchKey", 404, "GetObject")
        found = [body for version, body, _ in history if VersionId in (None, version)]
        if not found:
            raise client_error("NoSuchVersion", 404, "GetObject")
        body = found[-1]
        if Range:
            first, last = Range.removeprefix("bytes=").split("-")
            body = body[int(first) : int(last) + 1]
        return {"Body": Body(body)}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:
        self._fail("put_object")
        self.upload(Key, Body)

    def copy_object(self, *, Bucket: str, Key: str, CopySource: dict[str, str]) -> None:
        self._fail("copy_object")
        self.upload(Key, self.get_object(Bucket=Bucket, Key=CopySource["Key"])["Body"].read())

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_objects_v2"
        return SimpleNamespace(paginate=self.list_objects_v2)

    def list_objects_v2(self, *, Bucket: str, Prefix: str) -> Any:
        self._fail("list_objects_v2")
        yield {"Contents": [{"Key": key} for key in sorted(self.objects(Prefix))]}

    def list_object_versions(
        self, *, Bucket: str, Prefix: str, KeyMarker: str = "", VersionIdMarker: str = ""
    ) -> dict[str, Any]:
        """A page holds `page` versions; those of a key come newest first, as in S3."""
        self._fail("list_object_versions")
        self.listed.append(KeyMarker)
        every = [
            {"Key": key, "VersionId": version, "Size": len(body), "LastModified": at}
            for key, history in sorted(self.versions.items())
            for version, body, at in reversed(history)
            if key.startswith(Prefix)
        ]
        first = 0
        if KeyMarker:
            behind = [(each["Key"], each["VersionId"]) for each in every]
            first = behind.index((KeyMarker, VersionIdMarker)) + 1
        found = every[first : first + self.page]
        more = first + self.page < len(every)
        answer: dict[str, Any] = {"IsTruncated": more, "Versions": found}
        if more:
            last = found[-1]
            answer |= {"NextKeyMarker": last["Key"], "NextVersionIdMarker": last["VersionId"]}
        return answer


class FakeSqs:
    """Queues that keep what was sent to them."""

    def __init__(self, fail: Any) -> None:
        self.sent: list[dict[str, Any]] = []
        self._fail = fail

    def send_message(self, **message: Any) -> None:
        self._fail("send_message")
        self.sent.append(message)


class FakeEvents:
    """A bus that keeps what was put onto it."""

    def __init__(self, fail: Any) -> None:
        self.put: list[dict[str, Any]] = []
        self.refuse = 0  # how many entries the next calls refuse
        self._fail = fail

    def details(self, detail_type: str) -> list[dict[str, Any]]:
        return [
            msgspec.json.decode(entry["Detail"])
            for entry in self.put
            if entry["DetailType"] == detail_type
        ]

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        self._fail("put_events")
        assert len(Entries) <= 10
        refused, self.refuse = min(self.refuse, len(Entries)), 0
        self.put += Entries[refused:]
        results: list[dict[str, Any]] = [{"ErrorCode": "ThrottlingException"}] * refused
        results += [{"EventId": "e"}] * (len(Entries) - refused)
        return {"FailedEntryCount": refused, "Entries": results}


class ExecutionAlreadyExists(ClientError):
    """As boto3 makes it."""


class ExecutionDoesNotExist(ClientError):
    """As boto3 makes it."""


class FakeStepFunctions:
    """Keeps the executions that were started and the tasks that were answered."""

    class exceptions:  # noqa: N801 -- boto3's name
        ExecutionAlreadyExists = ExecutionAlreadyExists
        ExecutionDoesNotExist = ExecutionDoesNotExist

    def __init__(self, fail: Any) -> None:
        self.status: dict[str, str] = {}  # by execution
        self.started: dict[str, Any] = {}
        self.answered: dict[str, Any] = {}
        self._fail = fail

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> None:
        self._fail("start_execution")
        if name in self.started:
            raise ExecutionAlreadyExists(
                {"Error": {"Code": "ExecutionAlreadyExists"}}, "StartExecution"
            )
        self.started[name] = msgspec.json.decode(input)

    def describe_execution(self, *, executionArn: str) -> dict[str, str]:
        self._fail("describe_execution")
        if executionArn not in self.status:
            raise ExecutionDoesNotExist(
                {"Error": {"Code": "ExecutionDoesNotExist"}}, "DescribeExecution"
            )
        return {"status": self.status[executionArn]}

    def send_task_success(self, *, taskToken: str, output: str) -> None:
        self._fail("send_task_success")
        self.answered[taskToken] = msgspec.json.decode(output)


class FakeSecrets:
    """Secrets by ARN, and how often each was read."""

    def __init__(self, fail: Any) -> None:
        self.values: dict[str, Any] = {}
        self.reads = 0
        self._fail = fail

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:
        self._fail("get_secret_value")
        self.reads += 1
        value = self.values[SecretId]
        return {
            "SecretString": value if isinstance(value, str) else msgspec.json.encode(value).decode()
        }


class FakeCloud:
    """All services together. `fail` makes the next calls of an operation raise errors."""

    def __init__(self) -> None:
        self._faults: dict[str, list[Exception]] = {}
        self.s3 = FakeS3(self._check)
        self.dynamodb = FakeDynamoDB(self._check)
        self.events = FakeEvents(self._check)
        self.sqs = FakeSqs(self._check)
        self.step_functions = FakeStepFunctions(self._check)
        self.secrets = FakeSecrets(self._check)

    def fail(self, operation: str, *errors: Exception) -> None:
        self._faults.setdefault(operation, []).extend(errors)

    def _check(self, operation: str) -> None:
        if self._faults.get(operation):
            raise self._faults[operation].pop(0)

    def row(self, file_id: str) -> dict[str, Any]:
        return self.dynamodb.items[f"file#{file_id}"]


class Context:
    """What Lambda passes to a handler about its call."""

    function_name = "order-intake-test-Function"
    function_version = "1"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:eu-central-1:000000000000:function:Function"

    def __init__(self, request_id: str = "request-1") -> None:
        self.aws_request_id = request_id
        self.milliseconds = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds
