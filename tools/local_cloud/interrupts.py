"""Ctrl-C, SIGTERM and a closed terminal: one kind of interruption, at moments that allow it."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Interrupts:
    """Whether an interruption has to wait, and whether one does."""

    held = False
    pending = False


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _Interrupts.held:
        _Interrupts.pending = True
    else:
        raise KeyboardInterrupt


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let every such signal raise KeyboardInterrupt; those that are ignored stay so."""
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
def held() -> Iterator[None]:
    """Let an interruption wait to the end of this block, so that its work is done or not begun."""
    outermost, _Interrupts.held = not _Interrupts.held, True
    try:
        yield
    finally:
        if outermost:
            _Interrupts.held = False
    if outermost and _Interrupts.pending:
        _Interrupts.pending = False
        raise KeyboardInterrupt
