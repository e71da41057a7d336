"""Remembering what was worked out before: order files repeat orders, articles and prices."""

from collections.abc import Callable
from inspect import ismethod
from weakref import WeakMethod

LIMIT = 4096


class Memo[K, V](dict[K, V]):
    """A dict that works out what it lacks, and starts anew when it has `LIMIT` entries.

    The owner of a method that works things out must outlive the memo. It is not held by it: the
    two would hold each other, and a chunk's memory stay until the collector runs.
    """

    def __init__(self, work_out: Callable[[K], V]) -> None:
        super().__init__()
        self._work_out = WeakMethod(work_out) if ismethod(work_out) else lambda: work_out

    def __missing__(self, key: K) -> V:
        if len(self) >= LIMIT:
            self.clear()
        work_out = self._work_out()
        if work_out is None:
            raise ReferenceError("who works this out is gone")
        value = self[key] = work_out(key)
        return value
