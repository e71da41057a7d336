"""Order files on a stage: their uploads, and their rows in the ledger."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from boto3.dynamodb.types import TypeDeserializer

from operations.deployed import Deployed
from workbench.stages.errors import UserError

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


def find_upload(deployed: Deployed, file_id: str) -> Uploaded:
    """The upload with this id that has no ledger row, by looking at all uploads.

    Raises UserError when there is none.
    """
    pages = deployed.stage.client("s3").get_paginator("list_object_versions")
    for page in pages.paginate(Bucket=deployed.bucket, Prefix="incoming/"):
        for version in page.get("Versions", []):
            uploaded = Uploaded(deployed.bucket, version["Key"], version["VersionId"])
            if uploaded.file_id == file_id:
                return uploaded
    raise UserError(f"no file {file_id!r} on stage {deployed.stage.name}; make send prints ids")


def plain_row(item: dict[str, Any]) -> Row:
    """A DynamoDB item as plain Python values."""
    return {name: _plain.deserialize(value) for name, value in item.items()}


def question_of(row: Row) -> str:
    """The question that a file waits with, or waited with last: its file, run and reason.

    A row that waits since before questions had names waits with the one about the threshold.
    """
    return f"{row['file_id']}-{row.get('run', 1)}-{row.get('question', 'threshold')}"


def execution_of(row: Row) -> str | None:
    """The ARN of the workflow execution that works on a file; None on the direct route."""
    for field in ("execution", "claimed_by"):
        if str(row.get(field, "")).startswith("arn:") and ":execution:" in row[field]:
            return str(row[field])
    return None
