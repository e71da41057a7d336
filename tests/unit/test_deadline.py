"""A call ends shortly before its function's timeout."""

import signal
import threading

import pytest

from order_intake import deadline
from tests.unit.fakes import Context


def almost_over() -> Context:
    context = Context()
    context.milliseconds = int(deadline.MARGIN_SECONDS * 1000) + 20
    return context


def test_what_takes_too_long_is_interrupted() -> None:
    with (
        pytest.raises(deadline.OutOfTime),
        deadline.before_timeout(almost_over()),  # type: ignore[arg-type]
    ):
        threading.Event().wait(30)


def test_what_ends_in_time_leaves_no_alarm() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with deadline.before_timeout(almost_over()):  # type: ignore[arg-type]
        pass

    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_outside_the_main_thread_nothing_is_changed() -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            with deadline.before_timeout(almost_over()):  # type: ignore[arg-type]
                pass
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not failures
