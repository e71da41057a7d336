"""Remembering what was worked out before: order files repeat orders, articles and prices."""

from collections.abc import Callable

LIMIT = 4096


class Memo[K, V](dict[K, V]):
    """A dict that works out what it lacks, and starts anew when it has `LIMIT` entries."""

    def __init__(self, work_out: Callable[[K], V]) -> None:
        super().__init__()
        self._work_out = work_out

    def __missing__(self, key: K) -> V:
        if len(self) >= LIMIT:
            self.clear()
        value = self[key] = self._work_out(key)
        return value
