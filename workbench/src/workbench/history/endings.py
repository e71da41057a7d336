"""What became of each state: which failed, with which error, and which were stopped."""

from collections.abc import Sequence

from workbench.history.events import COMPOSITE, UNNAMED
from workbench.history.model import CAUGHT, FAILED, RUNNING, STOPPED, SUCCEEDED, Child, State

type Problem = tuple[str | None, str | None]
"""An error and its cause; (None, None) where there is none."""

NOTHING: Problem = (None, None)


def settle(states: Sequence[State], problem: Problem, *, running: bool) -> None:
    """Set status, error and cause of all `states`, of which `problem` ended the last one.

    `running` says whether the last one may still be at work.
    """
    for state in states:
        is_last = state is states[-1]
        _settle_one(state, problem if is_last else NOTHING, running=running and is_last)


def _settle_one(state: State, problem: Problem, *, running: bool) -> None:
    own = _of_tries(state)
    found = problem if own is None or own[0] == UNNAMED else own
    running = running and state.left is None
    for branch in state.branches:
        ended = branch.attempt < len(state.tries)
        settle(branch.states, NOTHING if ended else found, running=running and not ended)
    for child in state.children:
        _settle_child(child, found, running=running)
    if own is not None and own[0] == UNNAMED and found == NOTHING:
        found = _of_output(state) or _inside(state) or (UNNAMED, None)
    if state.left is not None:
        state.status = SUCCEEDED if own is None else CAUGHT
    elif running:
        state.status = RUNNING
    elif own is not None or state.type == "Fail" or _inside(state):
        state.status = FAILED
        found = found if found != NOTHING else _inside(state) or NOTHING
    else:
        state.status = STOPPED
    if state.status in (CAUGHT, FAILED):
        state.error, state.cause = found


def _settle_child(child: Child, problem: Problem, *, running: bool) -> None:
    known = (child.error, child.cause)
    failing = known if child.error else problem if child.status == FAILED else NOTHING
    settle(child.states, failing, running=running and child.status == RUNNING)
    if child.status == RUNNING and not running:
        failed = bool(child.states) and child.states[-1].status == FAILED
        child.status = FAILED if failed else STOPPED
    if child.status == FAILED and not child.error and child.states:
        child.error, child.cause = child.states[-1].error, child.states[-1].cause


def _of_tries(state: State) -> Problem | None:
    """Return what the last try failed with; None where it did not fail."""
    last = state.tries[-1] if state.tries else None
    return None if last is None or last.error is None else (last.error, last.cause)


def _inside(state: State) -> Problem | None:
    """Return the first error of a branch or an item of a composite state."""
    if state.type not in COMPOSITE:
        return None
    for one in (each for branch in state.branches for each in branch.states):
        if one.status == FAILED:
            return one.error, one.cause
    for child in state.children:
        if child.status == FAILED:
            return child.error, child.cause
    return None


def _of_output(state: State) -> Problem | None:
    """Return the error that a Catch has put into the state's output."""
    output = state.output
    if isinstance(output, dict) and isinstance(output.get("Error"), str):
        return output["Error"], output.get("Cause")
    return None
