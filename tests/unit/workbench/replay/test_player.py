import threading
from types import SimpleNamespace
from typing import Any

import pytest

from workbench.replay.player import WORKERS, concurrently, workers


def test_results_come_as_they_are_ready() -> None:
    first_may_end = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert first_may_end.wait(10)
        return number

    results = concurrently(work, [0, 1])
    assert next(results) == 1
    first_may_end.set()
    assert list(results) == [0]


def test_everything_is_done_however_much_there_is() -> None:
    assert sorted(concurrently(lambda n: n * n, range(WORKERS * 3))) == [
        n * n for n in range(WORKERS * 3)
    ]


def test_an_error_reaches_whoever_reads_the_results() -> None:
    def work(_: int) -> int:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        list(concurrently(work, [1]))


@pytest.mark.parametrize(("limit", "expected"), [(10, 2), (4, 1), (0, 1), (25, 5), (1000, WORKERS)])
def test_no_more_is_played_at_once_than_the_account_takes(limit: int, expected: int) -> None:
    settings = {"AccountLimit": {"UnreservedConcurrentExecutions": limit}}
    client = SimpleNamespace(get_account_settings=lambda: settings)
    deployed: Any = SimpleNamespace(stage=SimpleNamespace(client=lambda _: client))

    assert workers(deployed) == expected
