"""What AWS refuses, the local cloud refuses."""

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.emulator import Emulator


def allow(action: str | list[str], resource: str | list[str], **conditions: Any) -> dict[str, Any]:
    """A statement that allows something."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": action, "Resource": resource}
    return statement | ({"Condition": conditions} if conditions else {})


def status(ask: Any) -> int:
    """The status that a call is refused with."""
    with pytest.raises(ClientError) as refused:
        ask()
    return int(refused.value.response["ResponseMetadata"]["HTTPStatusCode"])


def unique(kind: str) -> str:
    """A name that no other test uses."""
    return f"{kind}-{uuid.uuid4().hex[:8]}"


@pytest.mark.parametrize(("may_list", "expected"), [(False, 403), (True, 404)])
def test_missing_object_shows_only_to_who_may_list(
    cloud: Emulator, manifest: tuple[str, str], may_list: bool, expected: int
) -> None:
    bucket, key = manifest
    listing = allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", StringLike={"s3:prefix": "a/*"})
    objects = allow(["s3:GetObject*", "s3:PutObject"], f"arn:aws:s3:::{bucket}/*")
    client = cloud.client_as("s3", **cloud.user(objects, *([listing] if may_list else [])))
    gone, version = {"Bucket": bucket, "Key": "a/gone"}, {"VersionId": "0" * 32}

    assert status(lambda: client.get_object(**gone)) == expected
    assert status(lambda: client.head_object(**gone)) == expected
    assert status(lambda: client.get_object(**gone, **version)) == expected
    assert status(lambda: client.head_object(**gone, **version)) == expected
    copy = {"Bucket": bucket, "Key": "a/copy", "CopySource": f"{bucket}/a/gone"}
    assert status(lambda: client.copy_object(**copy)) == expected
    assert status(lambda: client.get_object(Bucket=bucket, Key="b/gone")) == 403
    assert client.get_object(Bucket=bucket, Key=key)["ContentLength"]
    assert status(lambda: cloud.client("s3").get_object(**gone)) == 404


@pytest.mark.parametrize(
    ("source", "detail_type", "allowed"),
    [("mine", "Told", True), ("mine", "Other", False), ("yours", "Told", False)],
)
def test_event_is_judged_by_its_source_and_detail_type(
    cloud: Emulator, source: str, detail_type: str, allowed: bool
) -> None:
    bus = unique("bus")
    arn = cloud.client("events").create_event_bus(Name=bus)["EventBusArn"]
    only = {"events:source": "mine", "events:detail-type": ["Told", "Asked"]}
    statement = allow("events:PutEvents", arn, StringEquals=only)
    client = cloud.client_as("events", **cloud.user(statement))
    fine = {"EventBusName": bus, "Source": "mine", "DetailType": "Asked", "Detail": "{}"}

    def send() -> Any:
        return client.put_events(
            Entries=[fine, fine | {"Source": source, "DetailType": detail_type}]
        )

    if allowed:
        assert send()["FailedEntryCount"] == 0
    else:
        with pytest.raises(ClientError, match="AccessDenied"):
            send()
