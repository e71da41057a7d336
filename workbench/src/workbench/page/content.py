"""What the page shows, as data for its script: scenarios, executions, rules, totals.

A text that stands in many places, such as a state's output that is the next one's input, is kept
once and named by its number.
"""

import json
from datetime import datetime
from typing import Any

from workbench.history.hiding import without_tokens
from workbench.history.model import FAILED, Child, Execution, State, Try
from workbench.stages.visible import visible

LONGEST_TEXT = 6000  # characters of a value that are shown
MOST_CHILDREN = 24  # of a Map: the first ones, and those that failed

type Json = dict[str, Any]


class Texts:
    """Values as people read them, each kept once."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, value: Any) -> int:
        """Return the number of a value's text."""
        text = shown(value)
        if text not in self._numbers:
            self._numbers[text] = len(self.all)
            self.all.append(text)
        return self._numbers[text]


def shown(value: Any) -> str:
    """Return a value as indented JSON, cut where it is very long; nothing in it is invisible."""
    text = json.dumps(without_tokens(value), indent=2, ensure_ascii=False, default=str)
    text = "\n".join(visible(line) for line in text.splitlines())
    if len(text) > LONGEST_TEXT:
        return f"{text[:LONGEST_TEXT]}\n… {len(text) - LONGEST_TEXT:,} more characters"
    return text


def execution_data(execution: Execution, texts: Texts) -> Json:
    """Return an execution for the page; times are milliseconds since its start."""
    return _filled(
        machine=execution.machine,
        name=execution.name,
        arn=execution.arn,
        status=execution.status,
        started=_epoch(execution.started),
        took=_between(execution.started, execution.ended),
        error=_visible(execution.error),
        cause=_visible(execution.cause),
        note=execution.note,
        input=texts.number(execution.input),
        output=None if execution.output is None else texts.number(execution.output),
        states=[_state(one, execution.started, texts) for one in execution.states],
    )


def _state(state: State, start: datetime, texts: Texts) -> Json:
    return _filled(
        name=state.name,
        type=state.type,
        status=state.status,
        at=_between(start, state.entered),
        took=_between(state.entered, _end(state)),
        input=texts.number(state.input),
        output=None if state.output is None else texts.number(state.output),
        variables=texts.number(state.variables) if state.variables else None,
        error=_visible(state.error),
        cause=_visible(state.cause),
        tries=[_try(one, start) for one in state.tries],
        branches=[
            [_state(one, start, texts) for one in branch.states] for branch in state.branches
        ],
        children=[_child(one, start, texts) for one in _some(state.children)],
        items=len(state.children) or None,
        counts=state.map_runs[-1].counts if state.map_runs else None,
    )


def _end(state: State) -> datetime | None:
    """Return when a state was left or, where it failed for good, when its last try ended."""
    if state.left is not None or state.status != FAILED:
        return state.left
    return state.tries[-1].ended if state.tries else state.entered


def _try(one: Try, start: datetime) -> Json:
    return _filled(
        at=_between(start, one.started),
        took=_between(one.started, one.ended),
        error=_visible(one.error),
        cause=_visible(one.cause),
    )


def _child(child: Child, start: datetime, texts: Texts) -> Json:
    return _filled(
        index=child.index,
        attempt=child.attempt if child.attempt > 1 else None,
        status=child.status,
        took=_between(child.started, child.ended),
        error=_visible(child.error),
        cause=_visible(child.cause),
        note=child.note,
        input=None if child.input is None else texts.number(child.input),
        output=None if child.output is None else texts.number(child.output),
        states=[_state(one, start, texts) for one in child.states],
    )


def _some(children: list[Child]) -> list[Child]:
    failed = [one for one in children if one.error]
    chosen = [*failed, *(one for one in children if not one.error)][:MOST_CHILDREN]
    return [one for one in children if any(one is each for each in chosen)]


def _filled(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value not in (None, [], {})}


def _visible(text: str | None) -> str | None:
    return None if text is None else visible(text[:LONGEST_TEXT])


def _between(start: datetime | None, end: datetime | None) -> int | None:
    return None if start is None or end is None else round((end - start).total_seconds() * 1000)


def _epoch(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
