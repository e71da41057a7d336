"""Remembering: right answers, few questions, bounded size."""

import gc
import weakref

from order_intake.domain.memo import LIMIT, Memo


def test_each_thing_is_worked_out_once() -> None:
    asked: list[int] = []

    def double(n: int) -> int:
        asked.append(n)
        return 2 * n

    memo = Memo(double)

    assert [memo[n] for n in (1, 2, 1, 2)] == [2, 4, 2, 4]
    assert asked == [1, 2]


def test_it_never_outgrows_its_limit() -> None:
    memo = Memo(str)

    for n in range(3 * LIMIT):
        assert memo[n] == str(n)
        assert len(memo) <= LIMIT


def test_its_owner_is_not_held_by_it() -> None:
    class Owner:
        def __init__(self) -> None:
            self.memo = Memo(self.double)

        def double(self, n: int) -> int:
            return 2 * n

    owner = Owner()
    assert owner.memo[2] == 4
    gone = weakref.ref(owner)

    gc.disable()
    try:
        del owner
        assert gone() is None, "a chunk's memory must not wait for the collector"
    finally:
        gc.enable()
