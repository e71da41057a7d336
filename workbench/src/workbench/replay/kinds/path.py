"""The way of a file through the workflow, told by the names of its states."""

from collections.abc import Iterable
from typing import Any

ARROW = " → "
BESIDE = " ∥ "


def path_of(history: Iterable[dict[str, Any]], chunks: int) -> str:
    """The states that an execution entered, in order: `A → B (C ∥ D) → Map ×7 → E`.

    `history` are the events of GetExecutionHistory; a Parallel state shows its branches, a Map
    how many chunks (`chunks`) it went over.
    """
    way: list[str] = []
    branches: list[str] | None = None  # of the Parallel state that has been entered and not left
    in_map = False
    for event in history:
        kind: str = event["type"]
        name = event.get("stateEnteredEventDetails", {}).get("name", "")
        if kind in ("MapStateExited", "MapStateFailed"):
            in_map = False
        elif in_map:
            continue  # an inline Map's inner states; a Distributed Map's are not in this history
        elif kind in ("ParallelStateExited", "ParallelStateFailed", "ParallelStateAborted"):
            way[-1] += f" ({BESIDE.join(branches or [])})" if branches else ""
            branches = None
        elif kind == "ParallelStateEntered":
            way.append(name)
            branches = []
        elif kind == "MapStateEntered":
            in_map = True
            (way if branches is None else branches).append(f"{name} ×{chunks}")
        elif kind.endswith("StateEntered"):
            (way if branches is None else branches).append(name)
    if branches:  # the execution ended inside the Parallel state
        way[-1] += f" ({BESIDE.join(branches)})"
    return ARROW.join(way)
