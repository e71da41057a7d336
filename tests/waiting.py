"""Waiting for a condition, with a limit: tests never sleep for a fixed time."""

import threading
import time
from collections.abc import Callable


def wait_until[T](condition: Callable[[], T | None], what: str, limit: float = 30.0) -> T:
    """The first truthy value of `condition`; AssertionError naming `what` after `limit` seconds."""
    deadline = time.monotonic() + limit
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {limit:g} s: {what}")
        pause.wait(0.05)
