"""What is said of a failure: the innermost state, its error and a cause that reads."""

import json
from datetime import UTC, datetime

from workbench.history.failure import failures_of, plain_cause
from workbench.history.model import CAUGHT, FAILED, STOPPED, SUCCEEDED, Child, Execution, State

NOW = datetime(2026, 11, 23, tzinfo=UTC)
RAISED = json.dumps(
    {
        "errorMessage": "no such\ncolumn",
        "errorType": "Broken",
        "stackTrace": ['  File "/var/task/parcels/weigh.py", line 7, in handler\n    raise\n'],
    }
)


def failed(
    name: str, error: str, cause: str = "", kind: str = "Task", status: str = FAILED
) -> State:
    return State(name, kind, NOW, status=status, error=error, cause=cause)


def of(*states: State) -> list[str]:
    execution = Execution("arn", "e", "m", "FAILED", NOW, error="Ended", states=list(states))
    return [each.line() for each in failures_of(execution)]


def test_a_map_is_followed_to_the_childs_own_error() -> None:
    threshold = "States.ExceedToleratedFailureThreshold"
    each = failed("Each", threshold, "too many", kind="Map", status=CAUGHT)
    each.children = [Child(index=0), Child(index=3, status=FAILED, error="Broken")]
    each.children[1].states = [failed("Weigh", "Broken", RAISED)]

    assert of(each, failed("Failed", "Ended", kind="Fail")) == [
        f"state Each: {threshold}: too many",
        "state Weigh in item 3 of Each: Broken: no such column (parcels/weigh.py, line 7)",
    ]


def test_a_child_without_a_history_still_has_its_error() -> None:
    each = failed("Each", "Threshold", kind="Map")
    each.children = [Child(execution="arn:x:c1", status=FAILED, error="Broken", cause="so")]

    assert of(each)[1] == "state ? in child c1 of Each: Broken: so"


def test_an_error_that_a_child_has_caught_is_what_a_later_fail_state_is_about() -> None:
    each = State("Each", "Map", NOW, status=SUCCEEDED)
    each.children = [Child(index=0, status=SUCCEEDED)]
    each.children[0].states = [failed("Weigh", "Broken", RAISED, status=CAUGHT)]

    assert of(each, failed("Failed", "Ended", kind="Fail")) == [
        "state Weigh in item 0 of Each: Broken: no such column (parcels/weigh.py, line 7)"
    ]


def test_a_fail_state_is_named_where_nothing_failed_before() -> None:
    assert of(failed("Refuse", "TooHeavy", "2 kg", kind="Fail")) == ["state Refuse: TooHeavy: 2 kg"]


def test_an_execution_that_failed_before_its_first_state_has_its_own_error() -> None:
    assert of() == ["state ?: Ended"]


def test_an_execution_that_was_stopped_names_the_state_it_was_in() -> None:
    waiting = State("Wait", "Wait", NOW, status=STOPPED)
    execution = Execution("arn", "e", "m", "TIMED_OUT", NOW, states=[waiting])

    assert [each.line() for each in failures_of(execution)] == ["state Wait: TIMED_OUT"]


def test_a_cause_that_is_no_error_of_lambda_stays() -> None:
    assert plain_cause("nobody\n answered") == "nobody answered"
    assert plain_cause('{"TaskArn": "a"}') == '{"TaskArn": "a"}'
    assert plain_cause(None) == ""
