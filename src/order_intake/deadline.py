"""A call's end, before Lambda makes one of it.

Lambda kills a function that is out of time: no exception, no outcome, and a cold start for the next
call. A little earlier the call can still end by itself, with an error that has a name.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake.domain.errors import TransientError

MARGIN_SECONDS = 5.0  # enough to write an outcome and announce it


class OutOfTime(TransientError):
    """The call had not ended shortly before its function's timeout."""


@contextmanager
def before_timeout(context: LambdaContext) -> Iterator[None]:
    """Raise OutOfTime inside the block when the function's timeout is `MARGIN_SECONDS` away.

    Works in the main thread, which is where Lambda calls a handler; elsewhere nothing is changed.
    """
    seconds = context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
    if seconds <= 0 or threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise OutOfTime("the call ran out of its function's time")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
