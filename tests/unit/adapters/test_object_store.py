"""Exact versions in, small objects out."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from botocore.exceptions import ReadTimeoutError

from order_intake.adapters.object_store import BLOCK, ObjectStore
from order_intake.domain.errors import InvalidInput, ServiceBusy
from tests.unit.fakes import Body, FakeCloud, client_error


class Result(msgspec.Struct):
    lines: int


@pytest.fixture
def store(cloud: FakeCloud) -> ObjectStore:
    return ObjectStore("uploads")


def test_a_version_is_streamed_in_blocks(cloud: FakeCloud, store: ObjectStore) -> None:
    body = bytes(range(256)) * 4096 * 2 + b"end"
    version = cloud.s3.upload("a", body)
    cloud.s3.upload("a", b"newer")

    blocks = list(store.blocks("a", version))

    assert b"".join(blocks) == body
    assert max(map(len, blocks)) <= BLOCK


def test_a_range_excludes_its_end(cloud: FakeCloud, store: ObjectStore) -> None:
    version = cloud.s3.upload("a", b"0123456789")

    assert store.read_range("a", version, 2, 5) == b"234"


def test_other_bytes_than_were_asked_for_are_not_taken(
    cloud: FakeCloud, store: ObjectStore
) -> None:
    version = cloud.s3.upload("a", b"0123456789")

    with pytest.raises(ServiceBusy, match="2 bytes came instead of 4"):
        store.read_range("a", version, 8, 12)


@pytest.mark.parametrize("version", ["", "null"])
def test_a_bucket_without_versions_is_read_too(
    cloud: FakeCloud, store: ObjectStore, version: str
) -> None:
    cloud.s3.upload("a", b"body")

    assert b"".join(store.blocks("a", version)) == b"body"


@pytest.mark.parametrize(("key", "version"), [("none", "v1"), ("a", "v9")])
def test_what_is_gone_is_invalid_input(
    cloud: FakeCloud, store: ObjectStore, key: str, version: str
) -> None:
    cloud.s3.upload("a", b"body")

    with pytest.raises(InvalidInput, match=f"{key}, version {version}"):
        list(store.blocks(key, version))


def test_json_goes_in_and_comes_out(store: ObjectStore) -> None:
    store.put_json("r.json", Result(3))

    assert store.get_json("r.json", Result) == Result(3)


def test_malformed_json_is_invalid_input(cloud: FakeCloud, store: ObjectStore) -> None:
    cloud.s3.upload("r.json", b'{"lines": "three"}')

    with pytest.raises(InvalidInput, match=r"r\.json does not decode"):
        store.get_json("r.json", Result)


def test_a_stream_that_breaks_off_passes(
    cloud: FakeCloud, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(body: Body, size: int) -> object:
        yield body.read(1)
        raise ReadTimeoutError(endpoint_url="https://s3")

    monkeypatch.setattr(Body, "iter_chunks", break_off)
    cloud.s3.upload("a", b"body")

    with pytest.raises(ServiceBusy):
        list(store.blocks("a"))


@pytest.mark.parametrize("operation", ["put_object", "copy_object", "get_object"])
def test_throttling_passes(cloud: FakeCloud, store: ObjectStore, operation: str) -> None:
    cloud.s3.upload("a", b"{}")
    cloud.fail(operation, client_error("SlowDown", 503))

    calls: dict[str, Callable[[], object]] = {
        "put_object": lambda: store.put("b", b"", "text/csv"),
        "copy_object": lambda: store.copy("a", "b"),
        "get_object": lambda: store.read_range("a", "v1", 0, 2),
    }
    with pytest.raises(ServiceBusy):
        calls[operation]()


def test_versions_are_listed_page_by_page_and_from_where_a_page_ended(
    cloud: FakeCloud, store: ObjectStore
) -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    for hours in range(3):
        cloud.s3.upload("incoming/p/a.csv", b"x", noon + timedelta(hours=hours))
    cloud.s3.upload("incoming/p/b.csv", b"xy", noon)
    cloud.s3.upload("work/b", b"x", noon)
    cloud.s3.page = 2

    pages = list(store.version_pages("incoming/"))
    _, key, version = pages[0]

    assert [[(v.key, v.version_id) for v in found] for found, _, _ in pages] == [
        [("incoming/p/a.csv", "v3"), ("incoming/p/a.csv", "v2")],
        [("incoming/p/a.csv", "v1"), ("incoming/p/b.csv", "v1")],
    ]
    assert [(key, version) for _, key, version in pages] == [("incoming/p/a.csv", "v2"), ("", "")]
    assert list(store.version_pages("incoming/", key, version)) == pages[1:]
    assert (pages[1][0][1].size, pages[1][0][1].uploaded_at) == (2, noon)
