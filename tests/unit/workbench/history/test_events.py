"""States from the events that AWS records, each of which names the one before it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from workbench.history.endings import NOTHING, settle
from workbench.history.events import walk
from workbench.history.hiding import HIDDEN, without_tokens
from workbench.history.model import CAUGHT, FAILED, RUNNING, STOPPED, SUCCEEDED, State

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Recorded:
    """Events as GetExecutionHistory gives them."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def add(self, kind: str, previous: int | None, /, **details: Any) -> int:
        """Add an event; its number."""
        number = len(self.events) + 1
        event: dict[str, Any] = {
            "id": number,
            "type": kind,
            "timestamp": START + timedelta(seconds=number),
        }
        if previous is not None:
            event["previousEventId"] = previous
        if details:
            name = "state" + kind[-len("Entered") :] if "StateE" in kind else kind
            event[f"{name[0].lower()}{name[1:]}EventDetails"] = details
        self.events.append(event)
        return number

    def states(self, problem: Any = NOTHING, *, running: bool = False) -> list[State]:
        """The states of all events so far."""
        found, _ = walk(self.events)
        settle(found, problem, running=running)
        return found


def test_retries_are_counted_and_each_try_has_its_error() -> None:
    recorded = Recorded()
    at = recorded.add("ExecutionStarted", 0)
    at = recorded.add("TaskStateEntered", 0, name="Load", input='{"n": 1}')
    for error in ("Broken", "Slow"):
        at = recorded.add("TaskScheduled", at, resource="invoke", parameters='{"a": 1}')
        at = recorded.add("TaskStarted", at, resource="invoke")
        at = recorded.add("TaskFailed", at, error=error, cause="why")
    at = recorded.add("TaskScheduled", at, resource="invoke")
    at = recorded.add("TaskSucceeded", at, output="{}")
    recorded.add(
        "TaskStateExited", at, name="Load", output='{"n": 2}', assignedVariables={"total": "7"}
    )

    (load,) = recorded.states()

    assert [one.error for one in load.tries] == ["Broken", "Slow", None]
    assert (load.status, load.error, load.retries, load.seconds) == (SUCCEEDED, None, 2, 9)
    assert (load.input, load.output, load.variables) == ({"n": 1}, {"n": 2}, {"total": 7})


def test_branches_and_the_states_after_them_are_told_apart_by_the_links() -> None:
    recorded = Recorded()
    recorded.add("ExecutionStarted", 0)
    both = recorded.add("ParallelStateEntered", 0, name="Both", input="{}")
    started = recorded.add("ParallelStateStarted", both)
    first = recorded.add("TaskStateEntered", started, name="A", input="{}")
    second = recorded.add("PassStateEntered", started, name="B", input="{}")
    first = recorded.add("TaskScheduled", first, resource="invoke")
    second = recorded.add("PassStateExited", second, name="B", output="{}")
    recorded.add("SucceedStateEntered", second, name="C", input="{}")
    recorded.add("TaskTimedOut", first, error="States.Timeout")
    failed = recorded.add("ParallelStateFailed", 9)
    left = recorded.add("ParallelStateExited", failed, name="Both", output="{}")
    recorded.add("PassStateEntered", left, name="After", input="{}")

    both_state, after = recorded.states(running=True)

    assert [[state.name for state in one.states] for one in both_state.branches] == [
        ["A"],
        ["B", "C"],
    ]
    assert (both_state.status, both_state.error) == (CAUGHT, "States.Timeout")
    assert [one.states[-1].status for one in both_state.branches] == [FAILED, STOPPED]
    assert (after.status, after.name) == (RUNNING, "After")


def test_items_that_run_at_once_keep_their_own_states() -> None:
    recorded = Recorded()
    recorded.add("ExecutionStarted", 0)
    each = recorded.add("MapStateEntered", 0, name="Each", input="[1, 2]")
    each = recorded.add("MapStateStarted", each, length=2)
    zero = recorded.add("MapIterationStarted", each, name="Each", index=0)
    one = recorded.add("MapIterationStarted", each, name="Each", index=1)
    zero = recorded.add("PassStateEntered", zero, name="Weigh", input="1")
    one = recorded.add("FailStateEntered", one, name="Refuse", input="2")
    zero = recorded.add("PassStateExited", zero, name="Weigh", output="1")
    recorded.add("MapIterationSucceeded", zero, name="Each", index=0)
    end = recorded.add("MapIterationFailed", one, name="Each", index=1)
    recorded.add("MapStateFailed", end)

    (state,) = recorded.states(("TooHeavy", "2 kg"))

    assert [(child.index, child.status, child.error) for child in state.children] == [
        (0, SUCCEEDED, None),
        (1, FAILED, "TooHeavy"),
    ]
    assert (state.children[1].states[0].error, state.error) == ("TooHeavy", "TooHeavy")
    assert (state.status, state.cause) == (FAILED, "2 kg")


def test_events_without_links_follow_one_another() -> None:
    recorded = Recorded()
    recorded.add("ExecutionStarted", None)
    recorded.add("PassStateEntered", None, name="A", input="{}")
    recorded.add("PassStateExited", None, name="A", output="{}")
    recorded.add("TaskStateEntered", None, name="B", input="{}")
    recorded.add("TaskScheduled", None, resource="invoke")

    assert [(one.name, one.status) for one in recorded.states(running=True)] == [
        ("A", SUCCEEDED),
        ("B", RUNNING),
    ]


def test_an_expression_that_cannot_be_evaluated_is_the_error_of_its_state() -> None:
    recorded = Recorded()
    recorded.add("ExecutionStarted", 0)
    at = recorded.add("ChoiceStateEntered", 0, name="Which", input="{}")
    recorded.add(
        "EvaluationFailed", at, error="States.QueryEvaluationError", cause="no", state="Which"
    )

    (which,) = recorded.states(("States.QueryEvaluationError", "no"))

    assert (which.status, which.error, which.cause) == (FAILED, "States.QueryEvaluationError", "no")


def test_task_tokens_are_hidden_wherever_they_stand() -> None:
    token = "AAAAKgAAAAIAAAAA" + "x" * 300

    shown = without_tokens(
        {"TaskToken": "t", "inner": [{"body": '{"token": "t", "a": 1}'}], "text": f"<{token}>"}
    )

    assert shown == {
        "TaskToken": HIDDEN,
        "inner": [{"body": '{"token": "(hidden)", "a": 1}'}],
        "text": f"<{HIDDEN}>",
    }
