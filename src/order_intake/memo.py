"""Remembering what was worked out before: order files repeat prices, dates and names."""

from collections.abc import Callable


class Memo[K, V](dict[K, V]):
    """A dict that works out what it lacks. It only grows: keep it no longer than a chunk."""

    def __init__(self, work_out: Callable[[K], V]) -> None:
        super().__init__()
        self._work_out = work_out

    def __missing__(self, key: K) -> V:
        value = self[key] = self._work_out(key)
        return value
