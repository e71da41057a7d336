"""What people read of an execution: short, in one line each, nothing that takes over a terminal."""

import io
from datetime import UTC, datetime, timedelta

from rich.console import Console

from workbench.history.model import CAUGHT, SUCCEEDED, Child, Execution, State, Try
from workbench.history.shown import show, show_whole

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def printed(*states: State, whole: bool = False) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=80, highlight=False)
    if whole:
        show_whole(console, states[0])
    else:
        execution = Execution("arn", "e1", "m", "SUCCEEDED", NOW, states=list(states))
        show(console, execution)
    return out.getvalue().splitlines()


def state(name: str, **more: object) -> State:
    left = NOW + timedelta(seconds=2)
    fields = {"left": left, "status": SUCCEEDED, "input": {}, "output": {}} | more
    return State(name, "Task", NOW, **fields)  # type: ignore[arg-type]


def test_tries_that_failed_alike_are_one_line() -> None:
    tries = [Try(NOW, error="Slow", cause="503") for _ in range(4)]
    tries += [Try(NOW, error="Down"), Try(NOW)]

    lines = printed(state("Call", tries=tries))

    assert "12:00:00.000  Call  Task  2.00 s  tried 6 times" in lines
    assert "    try 1–4  12:00:00.000 Slow: 503" in lines
    assert "    try 5    12:00:00.000 Down" in lines


def test_long_values_are_cut_and_unprintable_ones_shown() -> None:
    lines = printed(state("A", input={"text": "x" * 500, "bad": "\x1b[2J"}, output={"a": 1}))

    (shown,) = [line for line in lines if "input" in line]
    assert shown.endswith("… (532 characters)")
    assert len(shown) < 200
    assert "\x1b" not in "".join(lines)


def test_one_state_is_shown_whole() -> None:
    lines = printed(state("A", input={"text": "x" * 500}), whole=True)

    assert any("x" * 500 in line for line in lines)


def test_children_that_went_well_are_counted() -> None:
    children = [Child(index=number, status=SUCCEEDED, input=number) for number in range(30)]

    lines = printed(state("Each", children=children))

    assert "    items    30 succeeded" in lines
    assert "             … and 28 more that succeeded; STATE=Each" in lines


def test_a_caught_error_stands_with_its_state() -> None:
    lines = printed(state("A", status=CAUGHT, error="Broken", cause="why"))

    assert "12:00:00.000  A  Task  2.00 s  caught  Broken" in lines
    assert "    error    Broken: why" in lines
