"""Why an execution failed: the state that failed, and what failed inside a Map or a Parallel."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.history.model import CAUGHT, FAILED, Child, Execution, State

# A line of a stack trace, without the folder into which Lambda or the local cloud unpacks code.
_PLACE = re.compile(r'File "(?:.*/(?:code|task|functions/[0-9a-f]+)/)?([^"]+)", line (\d+)', re.I)


@dataclass(frozen=True)
class Failure:
    """A state's failure; `within` says which items or branches lie around the state."""

    state: str
    error: str
    cause: str
    within: str = ""

    def line(self) -> str:
        """Return the failure as one line for people."""
        cause = f": {self.cause}" if self.cause else ""
        return f"state {self.state}{self.within}: {self.error}{cause}"


def failures_of(execution: Execution) -> list[Failure]:
    """Return what an execution failed with, from the outside to the inside; empty if it did not.

    A state that ends the execution with an error of its own comes after what was caught before it.
    """
    if execution.status in ("SUCCEEDED", "RUNNING"):
        return []
    last = _last_failed(execution.states)
    if last is None:
        return [Failure("?", execution.error or execution.status, plain_cause(execution.cause))]
    return _inwards(last, "")


def _last_failed(states: Sequence[State]) -> State | None:
    """Return the state that failed last; a Fail state only where no other has failed."""
    failed = [state for state in states if state.status in (FAILED, CAUGHT)]
    work = [state for state in failed if state.type != "Fail"]
    return next(reversed(work or failed), None)


def _inwards(state: State, within: str) -> list[Failure]:
    found = [Failure(state.name, state.error or state.status, plain_cause(state.cause), within)]
    for child in state.children:
        if child.status == FAILED:
            return found + _of_child(state, child)
    for number, branch in enumerate(state.branches, 1):
        inner = _last_failed(branch.states)
        if inner is not None and branch.states[-1].status == FAILED:
            return found + _inwards(inner, f" in branch {number} of {state.name}")
    return found


def _of_child(state: State, child: Child) -> list[Failure]:
    within = f" in {name_of(child)} of {state.name}"
    inner = _last_failed(child.states)
    if inner is not None:
        return _inwards(inner, within)
    return [Failure("?", child.error or child.status, plain_cause(child.cause), within)]


def name_of(child: Child) -> str:
    """Return what a Map's child is called: by its item's number, or its execution's name."""
    if child.index is not None:
        return f"item {child.index}"
    return f"child {(child.execution or '?').rpartition(':')[2]}"


def plain_cause(cause: str | None) -> str:
    """Return a cause without the JSON around it in which Lambda gives a function's error."""
    try:
        said = json.loads(cause or "")
    except ValueError:
        return " ".join((cause or "").split())
    if not isinstance(said, dict) or "errorMessage" not in said:
        return " ".join((cause or "").split())
    message = " ".join(str(said["errorMessage"]).split())
    trace = said.get("stackTrace") or []
    where = _PLACE.search(str(trace[-1])) if trace else None
    return f"{message} ({where[1]}, line {where[2]})" if where else message
