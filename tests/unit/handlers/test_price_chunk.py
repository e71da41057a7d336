"""PriceChunk: a chunk's lines, priced or refused, under keys that depend on the chunk only."""

from typing import Any

import msgspec
import pytest

from order_intake.domain.errors import InvalidInput, ServiceBusy
from order_intake.handlers.price_chunk import handler
from tests.unit.fakes import FakeCloud, client_error
from tests.unit.handlers.conftest import context, registered

RATES = {"currency": "GBP", "house_currency": "EUR", "rates": {"2010-12-31": "0.86075"}}


@pytest.fixture
def payload(cloud: FakeCloud, started: dict[str, Any]) -> dict[str, Any]:
    answer: Any = registered(started)
    [chunk] = msgspec.json.decode(cloud.s3.objects("work/")[answer["manifest"]["key"]])
    return {"file": answer["file"], "chunk": chunk, "rates": RATES}


def test_counts_come_back_and_lines_stay_in_the_bucket(
    cloud: FakeCloud, payload: dict[str, Any]
) -> None:
    answer = handler(payload, context())

    assert answer == {
        "index": 0,
        "lines_in": 3,
        "accepted": 2,
        "refused": {"price_not_positive": 1},
    }
    work = f"work/{payload['file']['file_id']}"
    written = cloud.s3.objects(work)
    assert set(written) == {
        f"{work}/manifest.json",
        f"{work}/priced/00000.csv",
        f"{work}/refused/00000.jsonl",
        f"{work}/refused_rows/00000.csv",
        f"{work}/refused_lines/00000",
        f"{work}/results/00000.json",
    }
    assert len(written[f"{work}/priced/00000.csv"].splitlines()) == 3


def test_twice_is_once(cloud: FakeCloud, payload: dict[str, Any]) -> None:
    handler(payload, context())
    first = cloud.s3.objects("work/")
    handler(payload, context())

    assert cloud.s3.objects("work/") == first


def test_an_interrupted_chunk_leaves_no_result(cloud: FakeCloud, payload: dict[str, Any]) -> None:
    cloud.fail("put_object", client_error("InternalError", 500))
    with pytest.raises(ServiceBusy):
        handler(payload, context())

    assert not [key for key in cloud.s3.objects("work/") if "results" in key]


def test_the_version_that_was_uploaded_is_read_whatever_came_since(
    cloud: FakeCloud, payload: dict[str, Any]
) -> None:
    cloud.s3.upload(payload["file"]["key"], b"another content altogether")

    assert handler(payload, context())["accepted"] == 2


def test_a_file_with_enough_refused_lines_in_other_chunks_is_not_read_on(
    cloud: FakeCloud, payload: dict[str, Any]
) -> None:
    # Given a file with so many refused lines that more than two reject it, in five chunks
    payload |= {"execution": "e"}
    chunk = payload["chunk"] | {"enough_refused": 2}
    for index in range(5):
        handler(payload | {"chunk": chunk | {"index": index}}, context())

    # Then nothing is read once three chunks have refused one line each
    work = f"work/{payload['file']['file_id']}"
    results = [msgspec.json.decode(text) for text in cloud.s3.objects(f"{work}/results").values()]
    assert [one["lines_in"] for one in results] == [3, 3, 3, 0, 0]
    assert [one["stopped"] for one in results] == [False, False, True, True, True]


def test_what_another_run_has_refused_stops_nothing(
    cloud: FakeCloud, payload: dict[str, Any]
) -> None:
    # Given a chunk whose last run, under a profile that is put right since, refused lines
    chunk = payload["chunk"] | {"enough_refused": 0, "index": 1}
    handler(payload | {"chunk": chunk, "execution": "first"}, context())

    # Then the next run counts for itself, as does a chunk that is priced again in it
    for _ in range(2):
        again = payload | {"chunk": chunk | {"enough_refused": 1}, "execution": "second"}
        assert handler(again, context())["lines_in"] == 3


def test_a_manifest_of_an_older_version_is_priced_to_its_end(
    cloud: FakeCloud, payload: dict[str, Any]
) -> None:
    chunk = {name: payload["chunk"][name] for name in ("index", "start", "end", "first_line")}

    assert handler(payload | {"chunk": chunk, "execution": "e"}, context())["lines_in"] == 3


def test_what_does_not_decode_is_invalid_input(cloud: FakeCloud, payload: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="chunk"):
        handler(payload | {"chunk": {"index": "0"}}, context())
