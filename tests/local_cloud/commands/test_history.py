"""An execution is read as it went: branches at once, items, children, tries, errors, variables."""

import itertools
from typing import Any

import pytest

from tests.local_cloud.emulator import Emulator, States, call
from workbench.history.model import CAUGHT, FAILED, STOPPED, SUCCEEDED, Execution
from workbench.history.reading import read_execution

PASS = {"Type": "Pass", "End": True}
FAILS = "class Broken(Exception): ...\ndef handler(event, context):\n    raise Broken('as asked')\n"
FAILS_FOR_THREE = (
    "class Broken(Exception): ...\n"
    "def handler(event, context):\n"
    "    if event['index'] == 3: raise Broken('number 3')\n"
    "    return event\n"
)
RETRY = [{"ErrorEquals": ["Broken"], "IntervalSeconds": 1, "MaxAttempts": 1}]


def ran(cloud: Emulator, states: States, value: Any = None) -> Execution:
    """What a state machine did."""
    arn = cloud.run(states, value)["executionArn"]
    return read_execution(cloud.client("stepfunctions"), arn)


def branch(*names: str, pause: float = 0) -> dict[str, Any]:
    """A branch of states that follow one another, after a wait."""
    states: dict[str, Any] = {"Wait" + names[0]: {"Type": "Wait", "Seconds": pause}}
    states["Wait" + names[0]]["Next"] = names[0]
    for name, following in itertools.pairwise(names):
        states[name] = {"Type": "Pass", "Next": following}
    states[names[-1]] = {"Type": "Pass", "End": True}
    return {"StartAt": "Wait" + names[0], "States": states}


@pytest.mark.patch(name="linked_history")
def test_branches_at_once_are_told_apart(cloud: Emulator) -> None:
    branches = [branch("A", "B", pause=2), branch("C", "D", pause=1)]

    execution = ran(
        cloud, {"Both": {"Type": "Parallel", "Branches": branches, "Next": "End"}, "End": PASS}
    )

    both, end = execution.states
    assert [[state.name for state in one.states] for one in both.branches] == [
        ["WaitA", "A", "B"],
        ["WaitC", "C", "D"],
    ]
    assert (both.status, end.name, execution.status) == (SUCCEEDED, "End", "SUCCEEDED")


@pytest.mark.patch(name="linked_history")
def test_items_of_a_map_are_numbered_and_have_their_own_errors(cloud: Emulator) -> None:
    function = cloud.function(FAILS_FOR_THREE)
    weigh = call(function, "{% $states.input %}", End=True, Retry=RETRY)
    states = {
        "Each": {
            "Type": "Map",
            "Items": [{"index": 2}, {"index": 3}],
            "ItemProcessor": {"StartAt": "Weigh", "States": {"Weigh": weigh}},
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "End"}],
            "Next": "End",
        },
        "End": PASS,
    }

    each, _ = ran(cloud, states).states

    good, bad = sorted(each.children, key=lambda child: child.index or 0)
    assert (good.index, good.status, good.error) == (0, SUCCEEDED, None)
    assert (bad.index, bad.status, bad.error) == (1, FAILED, "Broken")
    assert [one.error for one in bad.states[0].tries] == ["Broken", "Broken"]
    assert (each.status, each.error) == (CAUGHT, "Broken")


def test_a_map_run_shows_the_error_of_its_child(cloud: Emulator, manifest: tuple[str, str]) -> None:
    bucket, key = manifest
    function = cloud.function(FAILS_FOR_THREE)
    weigh = call(function, "{% $states.input %}", End=True, Retry=RETRY)
    states = {
        "Each": {
            "Type": "Map",
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "JSON"},
                "Arguments": {"Bucket": bucket, "Key": key},
            },
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
                "StartAt": "Weigh",
                "States": {"Weigh": weigh},
            },
            "MaxConcurrency": 2,
            "End": True,
        },
    }

    execution = ran(cloud, states)

    (each,) = execution.states
    assert (each.status, each.error) == (FAILED, "States.ExceedToleratedFailureThreshold")
    assert each.map_runs[0].counts == {"succeeded": 4, "failed": 1, "total": 5}
    (bad,) = [child for child in each.children if child.status == FAILED]
    assert (bad.error, bad.input) == ("Broken", {"index": 3})
    (weighed,) = bad.states
    assert (weighed.status, weighed.error, weighed.retries) == (FAILED, "Broken", 1)
    assert "number 3" in str(weighed.cause)
    assert len(each.children) == 5


@pytest.mark.patch(name="assigned_variables")
def test_variables_stand_with_the_state_that_assigned_them(cloud: Emulator) -> None:
    states = {
        "Note": {"Type": "Pass", "Assign": {"size": 3, "taskToken": "t"}, "Next": "Note again"},
        "Note again": {"Type": "Pass", "Assign": {"size": "{% $size + 1 %}"}, "Next": "End"},
        "End": PASS,
    }

    note, again, end = ran(cloud, states, {"a": 1}).states

    assert note.variables == {"size": 3, "taskToken": "(hidden)"}
    assert (again.variables, end.variables) == ({"size": 4}, {})
    assert note.input == note.output == {"a": 1}


def test_a_caught_error_and_the_failing_state_have_their_causes(cloud: Emulator) -> None:
    caught = [{"ErrorEquals": ["Broken"], "Next": "Refuse"}]
    states = {
        "Call": call(cloud.function(FAILS), {}, Catch=caught, Next="Refuse"),
        "Refuse": {"Type": "Fail", "Error": "Refused", "Cause": "it is broken"},
    }

    execution = ran(cloud, states)

    called, refused = execution.states
    assert (called.status, called.error, called.retries) == (CAUGHT, "Broken", 0)
    assert "as asked" in str(called.cause)
    assert (refused.status, refused.error, refused.cause) == (FAILED, "Refused", "it is broken")
    assert (execution.status, execution.error) == ("FAILED", "Refused")


def test_a_failed_branch_leaves_the_other_one_stopped(cloud: Emulator) -> None:
    wrong = {"StartAt": "No", "States": {"No": {"Type": "Fail", "Error": "Never"}}}
    states = {"Both": {"Type": "Parallel", "Branches": [branch("A"), wrong], "End": True}}

    (both,) = ran(cloud, states).states

    assert (both.status, both.error) == (FAILED, "Never")
    statuses = {state.name: state.status for one in both.branches for state in one.states}
    assert statuses["No"] == FAILED
    assert statuses["A"] in (SUCCEEDED, STOPPED)
