"""The steps that both routes share, where a handler's test does not see the difference."""

from threading import Barrier
from typing import Any

import pytest

from order_intake.domain.results import ChunkResult
from order_intake.domain.uploads import IncomingFile
from order_intake.pipeline import steps

FILE = IncomingFile(
    file_id="f", bucket="b", key="incoming/nordwind/a.csv", version_id="v", partner="nordwind",
    size=1, uploaded_at="2026-03-04T12:00:00Z", route="workflow", correlation_id="c",
)  # fmt: skip


def test_results_of_chunks_are_read_several_at_a_time_and_come_in_order() -> None:
    # Given a bucket that answers when as many as may be are waiting for it
    together = Barrier(steps.READ_AT_ONCE, timeout=10)

    class Store:
        def get_json(self, key: str, form: type[ChunkResult]) -> ChunkResult:
            together.wait()
            index = int(key.rpartition("/")[2].removesuffix(".json"))
            return form(index, 0, 0, {}, "0", "0", b"")

    store: Any = Store()
    results = steps.results_of(store, FILE, steps.READ_AT_ONCE * 3)

    assert [one.index for one in results] == list(range(steps.READ_AT_ONCE * 3))


def test_a_result_that_cannot_be_read_is_no_empty_one() -> None:
    class Store:
        def get_json(self, key: str, form: type[ChunkResult]) -> ChunkResult:
            raise OSError(key)

    store: Any = Store()
    with pytest.raises(OSError, match="results/"):
        steps.results_of(store, FILE, 3)
