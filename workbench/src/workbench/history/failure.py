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

    A state that ends the execution with an error of its own comes after what was caught before it;
    of an execution that was stopped, it is the state in which it was.
    """
    if execution.status in ("SUCCEEDED", "RUNNING"):
        return []
    last = last_failed(execution.states)
    if last is None:
        at = execution.states[-1].name if execution.states else "?"
        return [Failure(at, execution.error or execution.status, plain_cause(execution.cause))]
    return _inwards(last, "")


def last_failed(states: Sequence[State]) -> State | None:
    """Return the state in which something failed last; a Fail state only where nothing else did."""
    work = [state for state in states if state.type != "Fail" and _has_failed(state)]
    ends = [state for state in states if state.type == "Fail"]
    return next(reversed(work or ends), None)


def _has_failed(state: State) -> bool:
    """Whether a state, or one inside it, has failed, caught or not."""
    inner = [branch.states for branch in state.branches]
    inner += [child.states for child in state.children]
    return (
        state.status in (FAILED, CAUGHT)
        or any(child.status == FAILED for child in state.children)
        or any(last_failed(states) for states in inner)
    )


def _inwards(state: State, within: str) -> list[Failure]:
    own = Failure(state.name, state.error or state.status, plain_cause(state.cause), within)
    found = [own] if state.status in (FAILED, CAUGHT) else []
    children = [child for child in state.children if child.status == FAILED]
    children += [child for child in state.children if last_failed(child.states)]
    for child in children:
        return found + _of_child(state, child)
    for number, branch in enumerate(state.branches, 1):
        if inner := last_failed(branch.states):
            return found + _inwards(inner, f" in branch {number} of {state.name}")
    return found


def _of_child(state: State, child: Child) -> list[Failure]:
    within = f" in {name_of(child)} of {state.name}"
    if inner := last_failed(child.states):
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
