"""Reading an execution from what AWS answers: Map runs, children, and what Express keeps."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from workbench.history.model import FAILED, RUNNING
from workbench.history.reading import EXPRESS, read_execution
from workbench.history.why import stuck
from workbench.stages.errors import UserError

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
PARENT = "arn:aws:states:eu-central-1:000000000000:execution:m:e1"
RUN = "arn:aws:states:eu-central-1:000000000000:mapRun:m/Each:r1"
CHILD = "arn:aws:states:eu-central-1:000000000000:express:m/Each:c1:1"


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "GetExecutionHistory")


class Paginator:
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        yield from self.answer(asked)


class Client:
    """Answers as AWS does about one execution with a Distributed Map of Express children."""

    def __init__(self, *events: dict[str, Any], status: str = "FAILED") -> None:
        self.events, self.status = events, status

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        if executionArn not in (PARENT, CHILD):
            raise refused("ExecutionDoesNotExist")
        answer = {
            "executionArn": executionArn,
            "name": executionArn.rpartition(":")[2],
            "stateMachineArn": "arn:aws:states:eu-central-1:000000000000:stateMachine:m",
            "status": self.status,
            "startDate": START,
            "input": '{"n": 1}',
        }
        ended = {"error": "Broken", "cause": "why"} if self.status == "FAILED" else {}
        return answer | ended

    def describe_map_run(self, **_: Any) -> dict[str, Any]:
        counts = {"failed": 1, "total": 1, "pending": 0}
        run = {"mapRunArn": RUN, "status": "FAILED", "executionCounts": counts}
        return run | {"startDate": START + timedelta(seconds=2)}

    def get_paginator(self, name: str) -> Paginator:
        return Paginator(getattr(self, f"_{name}"))

    def _get_execution_history(self, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if asked["executionArn"] == CHILD:
            raise refused("InvalidArn")
        yield from ({"events": [event]} for event in self.events)  # a page each

    def _list_map_runs(self, _: Any) -> Iterator[dict[str, Any]]:
        yield {"mapRuns": [{"mapRunArn": RUN, "startDate": START}]}

    def _list_executions(self, _: Any) -> Iterator[dict[str, Any]]:
        yield {"executions": [{"executionArn": CHILD}]}


def event(number: int, kind: str, **details: Any) -> dict[str, Any]:
    name = "stateEntered" if kind.endswith("StateEntered") else kind[0].lower() + kind[1:]
    moment = START + timedelta(seconds=number)
    said = {f"{name}EventDetails": details} if details else {}
    return {"id": number, "type": kind, "timestamp": moment, "previousEventId": number - 1} | said


MAP = (
    event(1, "ExecutionStarted"),
    event(2, "MapStateEntered", name="Each", input="{}"),
    event(3, "MapRunStarted", mapRunArn=RUN),
    event(4, "MapRunFailed", error="States.ExceedToleratedFailureThreshold"),
    event(5, "ExecutionFailed", error="States.ExceedToleratedFailureThreshold"),
)


def test_an_express_child_has_its_error_and_says_that_no_history_is_kept() -> None:
    (each,) = read_execution(Client(*MAP), PARENT).states

    assert each.error == "States.ExceedToleratedFailureThreshold"
    assert each.map_runs[0].counts == {"failed": 1, "total": 1}
    (child,) = each.children
    assert (child.status, child.error, child.cause) == (FAILED, "Broken", "why")
    assert (child.input, child.states, child.note) == ({"n": 1}, [], EXPRESS)


def test_a_run_that_no_event_names_belongs_to_the_map_at_work_then() -> None:
    events = [each for each in MAP if not each["type"].startswith("MapRun")]

    (each,) = read_execution(Client(*events), PARENT).states

    assert [child.execution for child in each.children] == [CHILD]


def test_an_unknown_execution_is_one_clear_line() -> None:
    with pytest.raises(UserError, match="no execution arn:x can be read; make history lists"):
        read_execution(Client(), "arn:x")


def test_a_state_that_calls_again_and_again_what_cannot_start_is_stuck() -> None:
    error = {"error": "Runtime.HandlerNotFound", "cause": "no handler"}
    tries = [
        one
        for number in range(3, 11, 2)
        for one in (event(number, "TaskScheduled"), event(number + 1, "TaskFailed", **error))
    ]
    entered = event(2, "TaskStateEntered", name="Close", input="{}")
    client = Client(event(1, "ExecutionStarted"), entered, *tries, status="RUNNING")

    class Deployed:
        class stage:  # noqa: N801
            @staticmethod
            def client(_: str) -> Client:
                return client

    assert read_execution(client, PARENT).states[0].status == RUNNING
    assert stuck(Deployed, PARENT) == (  # type: ignore[arg-type]
        "state Close: Runtime.HandlerNotFound: no handler (tried 4 times, and it goes on)"
    )
