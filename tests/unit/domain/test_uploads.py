"""An upload's identity, its partner, and the event that reports it."""

from typing import Any

import pytest

from order_intake.domain import uploads
from order_intake.domain.errors import InvalidInput


def object_created(**changes: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "time": "2026-03-04T12:00:00Z",
        "detail": {
            "bucket": {"name": "uploads"},
            "object": {
                "key": "incoming/nordwind/März 50% + mehr.csv",
                "size": 5,
                "version-id": "v1",
                "etag": "x",
            },
            "reason": "PutObject",
        },
    } | changes


def test_the_event_of_an_upload_is_read() -> None:
    upload = uploads.upload_of(object_created())

    assert upload == uploads.Upload(
        bucket="uploads",
        key="incoming/nordwind/März 50% + mehr.csv",
        version_id="v1",
        size=5,
        uploaded_at="2026-03-04T12:00:00Z",
        correlation_id="17793124-05d4-b198-2fde-7ededc63b103",
    )
    assert uploads.incoming_file(upload, "direct").partner == "nordwind"


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        {},
        object_created(source="order-intake"),
        object_created(**{"detail-type": "Object Deleted"}),
        object_created(time="yesterday"),
        object_created(time="2026-03-04T12:00:00"),
        object_created(time="0001-01-01T00:00:00+01:00"),  # in UTC, before all years
        object_created(detail={"bucket": {"name": "b"}, "object": {"key": "k", "size": 5}}),
        object_created(
            detail={
                "bucket": {"name": "b"},
                "object": {"key": "k", "size": "5", "version-id": "v"},
            }
        ),
    ],
)
def test_any_other_event_is_invalid_input(event: Any) -> None:
    with pytest.raises(InvalidInput):
        uploads.upload_of(event)


def test_identity_is_bucket_key_and_version() -> None:
    one = uploads.file_id("b", "k", "1")

    assert one == uploads.file_id("b", "k", "1")
    assert len(one) == 24
    assert len({one, *(uploads.file_id(*x) for x in ("bk2", "b21", "ck1"))}) == 4


@pytest.mark.parametrize(
    ("key", "partner"),
    [
        ("incoming/nordwind/a.csv", "nordwind"),
        ("incoming/nordwind/2026/a.csv", "nordwind"),
        ("incoming/ghost/a b.csv", "ghost"),
        ("incoming/ghost/a\nb.csv", "ghost"),
        ("incoming/ghost/.csv", "ghost"),
        ("incoming/nordwind/a.CSV", "nordwind"),
        ("incoming/nordwind/a\x1b[31m.csv.bak", "nordwind"),
        ("incoming/nordwind/", "nordwind"),
        ("incoming/nordwind.csv", None),
        ("incoming/nordwind", None),
        ("incoming/", None),
        ("incoming//a.csv", None),
        ("incoming/Nordwind/a.csv", None),
        ("incoming/../a.csv", None),
        ("work/incoming/nordwind/a.csv", None),
        ("curated/nordwind/x/00000.csv", None),
        ("", None),
    ],
)
def test_the_partner_is_the_folder_of_the_key(key: str, partner: str | None) -> None:
    assert uploads.partner_of(key) == partner


def test_what_comes_of_a_file_never_lies_where_uploads_come_in() -> None:
    keys = [
        uploads.manifest_key("f"),
        uploads.priced_key("f", 0),
        uploads.refused_key("f", 0),
        uploads.result_key("f", 0),
        uploads.curated_key("nordwind", "f", 0),
        uploads.quarantine_key("nordwind", "f", 0),
        uploads.reason_key("nordwind", "f"),
    ]

    assert len(set(keys)) == len(keys)
    assert not [key for key in keys if uploads.partner_of(key)]
