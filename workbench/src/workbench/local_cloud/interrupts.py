"""Ctrl-C, SIGTERM and a closed terminal: one kind of interruption, at moments that allow it."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """An interruption that knows its signal: only Ctrl-C reaches what was started, too."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class _Interrupts:
    """Whether an interruption has to wait, the signal of one that does, and what it does first."""

    held = False
    pending = 0
    act: Callable[[], None] | None = None


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _Interrupts.held:
        _Interrupts.pending = number
        if _Interrupts.act:
            _Interrupts.act()
    else:
        raise Interrupted(number)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let every such signal raise Interrupted; those that are ignored stay so.

    Only a program's main thread may say so; in another one nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def held(act: Callable[[], None] | None = None) -> Iterator[None]:
    """Let an interruption wait to the end of this block, so that its work is done or not begun.

    `act` is called at once, for each of them.
    """
    outermost, _Interrupts.held = not _Interrupts.held, True
    before, _Interrupts.act = _Interrupts.act, act
    try:
        yield
    finally:
        _Interrupts.act = before
        if outermost:
            _Interrupts.held = False
    if outermost and _Interrupts.pending:
        number, _Interrupts.pending = _Interrupts.pending, 0
        raise Interrupted(number)


def is_pending() -> bool:
    """Whether an interruption waits for the end of the block that holds it."""
    return bool(_Interrupts.pending)
