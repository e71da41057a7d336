"""Uploading a file, and following it to its end: in the ledger, and in its workflow execution."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from boto3.dynamodb.types import TypeDeserializer

from operations.deployed import Deployed
from workbench.stages.errors import UserError
from workbench.stages.waiting import within

LIMIT = 120.0  # seconds; everything but a person's decision takes less
PAUSE = 0.4  # seconds between two looks
FINAL = frozenset({"Accepted", "Rejected", "Declined", "Duplicate", "Failed"})
AWAITING = "AwaitingApproval"
_plain = TypeDeserializer()

Row = dict[str, Any]


@dataclass(frozen=True)
class Uploaded:
    """One upload: where it lies, and the identity that the system gives it."""

    bucket: str
    key: str
    version_id: str

    @property
    def file_id(self) -> str:
        """The first 24 hexadecimal digits of the SHA-256 of bucket, key and version id."""
        identity = f"{self.bucket}\n{self.key}\n{self.version_id}"
        return hashlib.sha256(identity.encode()).hexdigest()[:24]


def upload(deployed: Deployed, key: str, file: Path) -> Uploaded:
    """Put `file` into the uploads bucket as a partner would: the bucket encrypts it."""
    with file.open("rb") as content:
        return put(deployed, key, content)


def put(deployed: Deployed, key: str, content: bytes | BinaryIO) -> Uploaded:
    """Put `content` into the uploads bucket as a partner would: the bucket encrypts it."""
    answer = deployed.stage.client("s3").put_object(
        Bucket=deployed.bucket, Key=key, Body=content, ContentType="text/csv"
    )
    return Uploaded(deployed.bucket, key, answer.get("VersionId", "null"))


def read_row(deployed: Deployed, file_id: str) -> Row | None:
    """The ledger's row of a file as plain Python values; None when there is none."""
    item = deployed.stage.client("dynamodb").get_item(
        TableName=deployed.ledger, Key={"pk": {"S": f"file#{file_id}"}}, ConsistentRead=True
    )
    if "Item" not in item:
        return None
    return plain_row(item["Item"])


def plain_row(item: dict[str, Any]) -> Row:
    """A DynamoDB item as plain Python values."""
    return {name: _plain.deserialize(value) for name, value in item.items()}


def question_of(row: Row) -> str:
    """The question that a file waits with, or waited with last: its file, run and reason.

    A row that waits since before questions had names waits with the one about the threshold.
    """
    return f"{row['file_id']}-{row.get('run', 1)}-{row.get('question', 'threshold')}"


def follow(
    deployed: Deployed,
    file_id: str,
    on_approval: Callable[[], bool],
    limit: float = LIMIT,
    answered: str | None = None,
) -> Row:
    """The ledger's row once the file has its outcome.

    When the file awaits a person's decision, `on_approval` is called once for each question other
    than the one that was `answered` before: False ends the following there. Raises UserError,
    saying what is missing, when `limit` seconds are not enough.
    """

    def end() -> Row | None:
        nonlocal answered
        row = read_row(deployed, file_id)
        if row and row["status"] in FINAL:
            return row
        question = question_of({"file_id": file_id} | row) if row else None
        if row and row["status"] == AWAITING and question != answered:
            answered = question
            if not on_approval():
                return row
        return None

    if row := within(limit, end, PAUSE):
        return row
    raise UserError(f"file {file_id}: {_missing(deployed, file_id, limit)}")


def _missing(deployed: Deployed, file_id: str, limit: float) -> str:
    row = read_row(deployed, file_id)
    if row is None:
        return f"no ledger row after {limit:.0f} s: nothing took the upload up; see make logs"
    missing = f"no outcome after {limit:.0f} s: the ledger says {row['status']}"
    execution = execution_of(row)
    if execution:
        answer = deployed.stage.client("stepfunctions").describe_execution(executionArn=execution)
        missing += f", the workflow {answer['status']} {answer.get('error', '')}".rstrip()
    return f"{missing}; see make logs"


def execution_of(row: Row) -> str | None:
    """The ARN of the workflow execution that works on a file; None on the direct route."""
    for field in ("execution", "claimed_by"):
        if str(row.get(field, "")).startswith("arn:") and ":execution:" in row[field]:
            return str(row[field])
    return None


def wait_for_execution(
    deployed: Deployed, arn: str, limit: float = 30.0, pause: float = PAUSE / 2
) -> dict[str, Any]:
    """The answer of DescribeExecution once the execution is over.

    Raises UserError when it still runs after `limit` seconds.
    """
    states = deployed.stage.client("stepfunctions")

    def end() -> dict[str, Any] | None:
        answer = states.describe_execution(executionArn=arn)
        return None if answer["status"] == "RUNNING" else answer

    if answer := within(limit, end, pause):
        return answer
    raise UserError(f"the workflow still runs {limit:.0f} s after the outcome: {arn}")
