"""An execution for people: state by state, with time, input, output, variables, tries, errors."""

import itertools
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from workbench.history.failure import last_failed, name_of, plain_cause
from workbench.history.model import (
    CAUGHT,
    FAILED,
    RUNNING,
    STOPPED,
    SUCCEEDED,
    Child,
    Execution,
    State,
)
from workbench.stages.visible import visible

LONGEST = 160  # characters of a value; STATE= shows it whole
LIKE = 2  # children that went well are shown as one line each, up to so many
_COLOURS = {SUCCEEDED: "green", CAUGHT: "yellow", FAILED: "bold red", STOPPED: "dim"}
_NOTHING = object()


def show(out: Console, execution: Execution) -> None:
    """Print an execution with all its states; long values are cut."""
    title = Text(visible(f"{execution.machine} {execution.name}"), "bold")
    out.print(title.append(f"  {execution.status}", _colour(execution)), soft_wrap=True)
    _field(out, 0, "began", f"{execution.started:%Y-%m-%d %H:%M:%S} UTC{_lasted(execution)}")
    if execution.error:
        _field(out, 0, "error", f"{execution.error}{_because(execution.cause)}")
    if execution.note:
        _field(out, 0, "note", execution.note)
    if not execution.states:
        _field(out, 0, "input", cut(execution.input))
        _field(out, 0, "output", cut(execution.output))
    _states(out, execution.states, 0)


def show_whole(out: Console, state: State) -> None:
    """Print one visit to a state, nothing cut."""
    _head(out, state, 0)
    for name, value in [("input", state.input), ("output", state.output)]:
        _field(out, 0, name, "")
        out.print(Text(_visible_lines(value)), soft_wrap=True)
    _variables(out, state, 0, whole=True)
    _tries(out, state, 0)
    _inside(out, state, 0, every=True)


def find_states(execution: Execution, name: str) -> list[State]:
    """Return all visits to the states called `name`, those of branches and children included."""
    return [state for state in every_state(execution.states) if state.name == name]


def every_state(states: Sequence[State]) -> Iterator[State]:
    """Return all visits, each before those inside it."""
    for state in states:
        yield state
        for branch in state.branches:
            yield from every_state(branch.states)
        for child in state.children:
            yield from every_state(child.states)


def cut(value: Any) -> str:
    """Return a value in one line of at most LONGEST characters."""
    text = visible(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"


def _states(out: Console, states: Sequence[State], depth: int) -> None:
    before: Any = _NOTHING
    for state in states:
        _head(out, state, depth)
        _field(out, depth, "input", "(the output above)" if state.input == before else None, state)
        if state.left is not None:
            _output(out, state, depth)
        _variables(out, state, depth)
        _tries(out, state, depth)
        _inside(out, state, depth)
        before = state.output if state.left is not None else _NOTHING


def _head(out: Console, state: State, depth: int) -> None:
    line = Text("    " * depth + _clock(state.entered), "dim")
    line.append(f"  {visible(state.name)}", "bold").append(f"  {state.type}", "dim")
    if state.seconds is not None:
        line.append(f"  {state.seconds:.2f} s", "dim")
    if state.retries:
        line.append(f"  tried {len(state.tries)} times", "yellow")
    if state.status != SUCCEEDED:
        line.append(f"  {state.status}", _COLOURS.get(state.status, ""))
    if state.error is not None:
        line.append(f"  {visible(state.error)}", _COLOURS.get(state.status, ""))
    out.print(line, soft_wrap=True)


def _output(out: Console, state: State, depth: int) -> None:
    same = state.output == state.input
    _field(out, depth, "output", "(its input)" if same else cut(state.output))


def _variables(out: Console, state: State, depth: int, *, whole: bool = False) -> None:
    for name, value in state.variables.items():
        shown = visible(json.dumps(value, ensure_ascii=False)) if whole else cut(value)
        _field(out, depth, "variable", f"{name} = {shown}")


def _tries(out: Console, state: State, depth: int) -> None:
    """Print the tries that failed, those that failed alike one after another as one line."""
    if error_inside(state):
        return  # said where it happened
    numbered = [(number, one) for number, one in enumerate(state.tries, 1) if one.error]
    for (error, cause), alike in itertools.groupby(
        numbered, lambda each: (each[1].error, plain_cause(each[1].cause))
    ):
        (first, began), *more = list(alike)
        last = f"–{more[-1][0]}" if more else ""
        which = f"try {first}{last}" if len(state.tries) > 1 else "error"
        _field(out, depth, which, f"{_clock(began.started)} {error}{': ' if cause else ''}{cause}")
    if state.error and not numbered:
        _field(out, depth, "error", f"{state.error}{_because(state.cause)}")


def error_inside(state: State) -> bool:
    """Whether a state's error is the one of a state in its branches or items."""
    inner = [each for branch in state.branches for each in branch.states]
    inner += [each for child in state.children for each in child.states]
    return any(each.status == FAILED and each.error == state.error for each in inner)


def _inside(out: Console, state: State, depth: int, *, every: bool = False) -> None:
    for number, branch in enumerate(state.branches, 1):
        out.print(Text("    " * (depth + 1) + f"branch {number}", "dim"))
        _states(out, branch.states, depth + 1)
    if not state.children:
        return
    counted = [one.counts for one in state.map_runs] or [_counts(state.children)]
    for counts in counted:
        shown = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        _field(out, depth, "items", shown)
    left_out = 0
    well = 0
    for child in state.children:
        well += child.status == SUCCEEDED
        if every or child.status != SUCCEEDED or last_failed(child.states):
            _child(out, child, depth)
        elif well <= LIKE:
            _child_line(out, child, depth)
        else:
            left_out += 1
    if left_out:
        _field(out, depth, "", f"… and {left_out} more that succeeded; STATE={state.name}")


def _child(out: Console, child: Child, depth: int) -> None:
    _child_line(out, child, depth)
    _field(out, depth + 1, "input", cut(child.input)) if child.execution else None
    if child.note:
        _field(out, depth + 1, "note", child.note)
    if child.error and not child.states:
        _field(out, depth + 1, "error", f"{child.error}{_because(child.cause)}")
    _states(out, child.states, depth + 1)


def _child_line(out: Console, child: Child, depth: int) -> None:
    line = Text("    " * (depth + 1) + visible(name_of(child)))
    line.append(f"  {child.status}", _COLOURS.get(child.status, ""))
    if child.error:
        line.append(f"  {visible(child.error)}", "bold red")
    if child.started and child.ended:
        line.append(f"  {(child.ended - child.started).total_seconds():.2f} s", "dim")
    out.print(line, soft_wrap=True)


def _counts(children: Sequence[Child]) -> dict[str, int]:
    statuses = [child.status for child in children]
    return {status: statuses.count(status) for status in dict.fromkeys(statuses)}


def _field(out: Console, depth: int, name: str, value: str | None, of: State | None = None) -> None:
    shown = cut(of.input) if value is None and of is not None else visible(value or "")
    line = Text("    " * (depth + 1)).append(f"{name:<9}", "dim").append(shown)
    out.print(line, soft_wrap=True)


def _because(cause: str | None) -> str:
    said = plain_cause(cause)
    return f": {said}" if said else ""


def _clock(time: datetime) -> str:
    return f"{time:%H:%M:%S}.{time.microsecond // 1000:03}"


def _lasted(execution: Execution) -> str:
    if execution.ended is None:
        return ""
    return f", {(execution.ended - execution.started).total_seconds():.1f} s"


def _colour(execution: Execution) -> str:
    known = {"SUCCEEDED": SUCCEEDED, "RUNNING": RUNNING}
    return _COLOURS.get(known.get(execution.status, FAILED), "")


def _visible_lines(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return "\n".join(f"        {visible(line)}" for line in text.splitlines())
