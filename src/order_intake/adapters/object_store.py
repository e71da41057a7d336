"""The uploads bucket: exact versions in, small objects out.

An upload is read by its version id, so that a newer upload under the same key changes nothing of
what is under way. Objects are encrypted by the bucket's default (SSE-KMS): no header says so here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from order_intake.adapters import aws_clients
from order_intake.domain.errors import InvalidInput, ServiceBusy

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import GetObjectOutputTypeDef

BLOCK = 1024 * 1024
UNVERSIONED = "null"  # S3's own name for the only version in a bucket without versioning

CSV = "text/csv; charset=utf-8"
JSON = "application/json"
JSON_LINES = "application/x-ndjson"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object, as a listing shows it; `size` in bytes, `uploaded_at` in UTC."""

    key: str
    version_id: str
    size: int
    uploaded_at: datetime


class ObjectStore:
    """One bucket. Every method raises ServiceBusy when S3 cannot answer now."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket

    def blocks(self, key: str, version_id: str = UNVERSIONED) -> Iterator[bytes]:
        """Stream one exact version, in blocks of 1 MiB at most.

        Raises InvalidInput when there is no such object or version (any more).
        """
        with aws_clients.service_calls("s3"):
            yield from self._get(key, version_id)["Body"].iter_chunks(BLOCK)

    def read_range(self, key: str, version_id: str, start: int, end: int) -> bytes:
        """Give the bytes from `start` up to, not including, `end` of one exact version.

        ServiceBusy, too, when other bytes come than were asked for: a chunk is wholly there or not.
        """
        with aws_clients.service_calls("s3"):
            answer = self._get(key, version_id, Range=f"bytes={start}-{end - 1}")
            data = answer["Body"].read()
        if len(data) != end - start:
            raise ServiceBusy(f"s3: {len(data)} bytes came instead of {end - start}")
        return data

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Write one object; writing the same again changes nothing that a reader could see."""
        with aws_clients.service_calls("s3"):
            aws_clients.s3().put_object(
                Bucket=self.bucket, Key=key, Body=body, ContentType=content_type
            )

    def copy(self, source: str, target: str) -> None:
        """Copy an object within the bucket, without its bytes passing through this process."""
        with aws_clients.service_calls("s3"):
            aws_clients.s3().copy_object(
                Bucket=self.bucket, Key=target, CopySource={"Bucket": self.bucket, "Key": source}
            )

    def put_json(self, key: str, value: object) -> None:
        """Write a value as JSON."""
        self.put(key, msgspec.json.encode(value), JSON)

    def get_json[T](self, key: str, form: type[T]) -> T:
        """Read a JSON object of ours in its form; InvalidInput when it is missing or malformed."""
        text = b"".join(self.blocks(key))
        try:
            return msgspec.json.decode(text, type=form)
        except msgspec.DecodeError as error:
            raise InvalidInput(f"{key} does not decode: {error}") from error

    def keys(self, prefix: str) -> Iterator[str]:
        """List the keys under `prefix`."""
        pages = aws_clients.s3().get_paginator("list_objects_v2")
        with aws_clients.service_calls("s3"):
            for page in pages.paginate(Bucket=self.bucket, Prefix=prefix):
                yield from (item["Key"] for item in page.get("Contents", []))

    def version_pages(
        self, prefix: str, key: str = "", version: str = ""
    ) -> Iterator[tuple[list[Version], str, str]]:
        """List the versions under `prefix`, page by page, behind `key` and `version`.

        With each page come the key and the version behind which the next one begins; both are
        empty on the last. S3 lists by key, not by time.
        """
        more = True
        while more:
            start: dict[str, Any] = {"KeyMarker": key, "VersionIdMarker": version}
            start = {name: marker for name, marker in start.items() if marker}
            with aws_clients.service_calls("s3"):
                page = aws_clients.s3().list_object_versions(
                    Bucket=self.bucket, Prefix=prefix, **start
                )
            more = page["IsTruncated"]
            key = page["NextKeyMarker"] if more else ""
            version = page.get("NextVersionIdMarker", "") if more else ""
            found = [
                Version(
                    item["Key"],
                    item.get("VersionId", UNVERSIONED),
                    item["Size"],
                    item["LastModified"],
                )
                for item in page.get("Versions", [])
            ]
            yield found, key, version

    def _get(self, key: str, version_id: str, **more: Any) -> "GetObjectOutputTypeDef":
        if version_id not in ("", UNVERSIONED):
            more["VersionId"] = version_id
        try:
            return aws_clients.s3().get_object(Bucket=self.bucket, Key=key, **more)
        except ClientError as error:
            if aws_clients.code_of(error) in ("NoSuchKey", "NoSuchVersion"):
                raise InvalidInput(f"no such object: {key}, version {version_id}") from error
            raise
