"""Makes on the local cloud what a fixture says is there, and takes it away after the call.

An upload under `incoming/` sets the deployed system going, so that its own function would take the
file. A `new` upload is therefore let come to an end first, as a duplicate of a content that its
partner never sent; then that end is undone, and the file can be claimed.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec
import psycopg
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from operations.deployed import Deployed
from operations.files.order_file import FINAL, Uploaded
from operations.services import postgres
from workbench.sam_local.fixtures import Fixture, Given, Prepared
from workbench.sam_local.given import filled_in, secret_names
from workbench.stages.errors import UserError
from workbench.stages.waiting import within

_LIMIT_SECONDS = 60.0
_NOBODY = "fixture"  # a claimant
# The accepted file that a content belongs to.
_OWNER = {
    "partner": _NOBODY, "bucket": _NOBODY, "key": _NOBODY, "version_id": _NOBODY, "size": 0,
    "uploaded_at": "2026-03-02T12:00:00Z", "route": "direct", "correlation_id": _NOBODY,
    "status": "Accepted", "claimed_by": _NOBODY,
}  # fmt: skip


class GivenUpload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that a partner has uploaded; its version and file id go into the event.

    `state` is how far it has come: nobody has taken it yet, or a person is asked about it.
    """

    key: str
    content: str
    state: Literal["new", "awaiting_approval"] = "new"


class IntakeGiven(Given, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is there before the call: an upload, the ledger's row of the event's file, objects."""

    upload: GivenUpload | None = None
    row: dict[str, Any] | None = None


@contextlib.contextmanager
def prepared(deployed: Deployed, fixture: Fixture) -> Iterator[Prepared]:
    """Make what the fixture needs for the block; nothing of it is left afterwards.

    Raises UserError when the deployed system does not bring an upload where it must be.
    """
    stage = _Stage(deployed)
    names: dict[str, str] = {}
    if not fixture.has_expectation:  # an event of the user's own, perhaps of a file that is there
        yield Prepared(fixture, fixture.event, fixture.expect)
        return
    file_ids = set(_texts(fixture.event, "file_id"))
    try:
        if fixture.given.upload:
            version, file_id = stage.upload(fixture.given.upload)
            names = {"version_id": version, "file_id": file_id}
            file_ids = {file_id}
        if fixture.given.secret:
            names |= secret_names(deployed, fixture.given.secret)
        call = filled_in(fixture, names)
        stage.forget_loaded(file_ids)
        _lay_out(stage, fixture.given, call.event)
        yield call
    finally:
        if fixture.given.upload and "file_id" in names:
            stage.withdraw(fixture.given.upload, names["version_id"], names["file_id"])
        stage.clear(file_ids)


def _lay_out(stage: "_Stage", given: IntakeGiven, event: Any) -> None:
    if given.row is not None:
        file = event["file"] if "file" in event else event["detail"]
        stage.put_row(file | {"claimed_by": event.get("claimant", _NOBODY)} | given.row)
    for key, text in given.objects.items():
        stage.put_object(key, text)


class _Stage:
    """The stage's bucket, ledger and database, as fixtures need them."""

    def __init__(self, deployed: Deployed):
        self._deployed = deployed
        self._s3 = deployed.stage.client("s3")
        self._dynamodb = deployed.stage.client("dynamodb")

    def upload(self, given: GivenUpload) -> tuple[str, str]:
        """Upload a file and bring it to its state; its version and its file id."""
        content = {"pk": _content_key(given)}
        if given.state == "new":
            # A content is taken only where the ledger knows the file that has it.
            self._put(content | {"file_id": _owner(given)})
            self.put_row(_OWNER | {"file_id": _owner(given)})
        else:
            self._delete(content)
        version = self.put_object(given.key, given.content)
        file_id = Uploaded(self._deployed.bucket, given.key, version).file_id
        if given.state == "awaiting_approval":
            self._wait(file_id, lambda row: "task_token" in row)
        else:
            row = self._wait(file_id, lambda row: bool(row.get("announced")))
            self._delete(content)
            self.put_row(row | {"status": "Failed", "claimed_by": _NOBODY})
        return version, file_id

    def withdraw(self, given: GivenUpload, version: str, file_id: str) -> None:
        """Remove an upload, once nobody works on it any more."""
        if given.state == "awaiting_approval":
            self._answer(file_id)
            self._wait(file_id, lambda row: row["status"] in FINAL)
        self._s3.delete_object(Bucket=self._deployed.bucket, Key=given.key, VersionId=version)
        self._delete({"pk": _content_key(given)})
        self._delete({"pk": f"file#{_owner(given)}"})

    def _answer(self, file_id: str) -> None:
        """Let a workflow that still waits for a person go on."""
        token = self._wait(file_id, bool).get("task_token")
        client = self._deployed.stage.client("stepfunctions")
        if token:
            # The function may have answered, and forgets the token only afterwards.
            gone = (client.exceptions.TaskTimedOut, client.exceptions.TaskDoesNotExist)
            with contextlib.suppress(*gone):
                answer = {"decision": "declined", "decided_by": _NOBODY}
                client.send_task_success(taskToken=token, output=json.dumps(answer))

    def clear(self, file_ids: set[str]) -> None:
        """Remove everything that is kept under the ids of files."""
        bucket = self._deployed.bucket
        for file_id in file_ids:
            self._delete({"pk": f"file#{file_id}"})
        for area in ("work/", "curated/", "quarantine/"):
            pages = self._s3.get_paginator("list_object_versions")
            for page in pages.paginate(Bucket=bucket, Prefix=area):
                for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                    if set(one["Key"].split("/")) & file_ids:
                        self._s3.delete_object(
                            Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"]
                        )
        self.forget_loaded(file_ids)

    def forget_loaded(self, file_ids: set[str]) -> None:
        """Take files out of the database; the functions may only add to it."""
        try:
            with postgres.connect_as_owner(postgres.port(), postgres.DATABASE) as connection:
                for statement in (
                    "DELETE FROM order_line WHERE file_id = ANY(%s)",
                    "DELETE FROM order_file WHERE file_id = ANY(%s)",
                    "DELETE FROM partner_order WHERE file_id = ANY(%s)",
                ):
                    connection.execute(statement, [list(file_ids)])
        except psycopg.OperationalError:
            raise UserError(
                "the local cloud's database does not answer; start anew: make down up deploy"
            ) from None

    def put_object(self, key: str, text: str) -> str:
        """Write an object; its version."""
        answer = self._s3.put_object(Bucket=self._deployed.bucket, Key=key, Body=text.encode())
        return str(answer["VersionId"])

    def put_row(self, row: dict[str, Any]) -> None:
        """Write a file's row into the ledger."""
        self._put(row | {"pk": f"file#{row['file_id']}"})

    def _put(self, item: dict[str, Any]) -> None:
        encode = TypeSerializer().serialize
        self._dynamodb.put_item(
            TableName=self._deployed.ledger,
            Item={name: encode(value) for name, value in item.items()},
        )

    def _delete(self, key: dict[str, str]) -> None:
        encoded = {name: {"S": text} for name, text in key.items()}
        self._dynamodb.delete_item(TableName=self._deployed.ledger, Key=encoded)

    def _wait(self, file_id: str, there: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The file's row as soon as it is as it must be."""
        decode = TypeDeserializer().deserialize

        def row() -> dict[str, Any]:
            answer = self._dynamodb.get_item(
                TableName=self._deployed.ledger,
                Key={"pk": {"S": f"file#{file_id}"}},
                ConsistentRead=True,
            )
            return {name: decode(value) for name, value in answer.get("Item", {}).items()}

        def as_wanted() -> dict[str, Any] | None:
            found = row()
            return found if found and there(found) else None

        if found := within(_LIMIT_SECONDS, as_wanted):
            return found
        raise UserError(
            f"the deployed system did not bring file {file_id} on within "
            f"{_LIMIT_SECONDS:.0f} s (status: {row().get('status')}); see: make logs"
        )


def _digest(given: GivenUpload) -> str:
    return hashlib.sha256(given.content.encode()).hexdigest()


def _content_key(given: GivenUpload) -> str:
    return f"content#{given.key.split('/')[1]}#{_digest(given)}"


def _owner(given: GivenUpload) -> str:
    return f"{_NOBODY}-{_digest(given)[:16]}"


def _texts(value: Any, wanted: str) -> Iterator[str]:
    """Every text that a field of that name has, however deep."""
    for name, field in value.items() if isinstance(value, dict) else ():
        if name == wanted and isinstance(field, str):
            yield field
        yield from _texts(field, wanted)
