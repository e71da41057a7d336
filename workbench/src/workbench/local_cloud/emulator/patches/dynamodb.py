"""DynamoDB: writes at the same time."""

import functools
import threading
from collections.abc import Callable
from typing import Any

from workbench.local_cloud.emulator.patches.targets import module

_WRITES = (
    "_put_item",
    "_update_item",
    "_delete_item",
    "_batch_write_item",
    "_transact_write_items",
)


def writes_one_by_one() -> None:
    """Two writes of one item at the same time both count.

    AWS lets one of them wait. MiniStack reads the item, works on a copy and puts that back, in
    whatever thread the call comes from: a state machine's `updateItem` and a function's undo each
    other. A lock lets one write wait for the other.
    """
    tables = module("services.dynamodb")
    lock = threading.RLock()  # some of them call others

    def alone(write: Callable[[Any], Any]) -> Callable[[Any], Any]:
        @functools.wraps(write)
        def wait_and_write(data: Any) -> Any:
            with lock:
                return write(data)

        return wait_and_write

    for name in _WRITES:
        setattr(tables, name, alone(getattr(tables, name)))
