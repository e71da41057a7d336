"""Waiting for a condition, with a limit: how commands and tests wait."""

import time
from collections.abc import Callable

from workbench.stages.errors import UserError

PAUSE = 0.05  # seconds between two looks at this machine; AWS is asked less often


def within[T](limit: float, condition: Callable[[], T], pause: float = PAUSE) -> T:
    """Return the first truthy value of `condition`, or its last when `limit` seconds bring none."""
    deadline = time.monotonic() + limit
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(pause)
    return value


def wait_until[T](condition: Callable[[], T | None], what: str, limit: float = 30.0) -> T:
    """Return the first truthy value of `condition`.

    Raises UserError, naming `what`, after `limit` seconds.
    """
    if value := within(limit, condition):
        return value
    raise UserError(f"not within {limit:g} s: {what}")
