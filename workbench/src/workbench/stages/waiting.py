"""Waiting for a condition, with a limit."""

import threading
import time
from collections.abc import Callable

from workbench.stages.errors import UserError

PAUSE = 0.1  # seconds between two looks


def wait_until[T](condition: Callable[[], T | None], what: str, limit: float) -> T:
    """Return the first truthy value of `condition`.

    Raises UserError, naming `what`, after `limit` seconds.
    """
    deadline, pause = time.monotonic() + limit, threading.Event()
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise UserError(f"not within {limit:g} s: {what}")
        pause.wait(PAUSE)
    return value
