"""Reading an execution of any state machine, on AWS and on the local cloud."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from workbench.history import events
from workbench.history.endings import NOTHING, settle
from workbench.history.hiding import value_of, without_tokens
from workbench.history.model import (
    FAILED,
    RUNNING,
    STOPPED,
    SUCCEEDED,
    Child,
    Execution,
    MapRun,
    State,
)
from workbench.stages.errors import UserError

CHILDREN = 100  # of a Map run: so many are read, those that failed first
EXPRESS = (
    "an Express execution keeps no history on AWS: what its states did is in its log, where the "
    "state machine's LoggingConfiguration writes one"
)
_STATUS = {
    "RUNNING": RUNNING,
    "PENDING_REDRIVE": RUNNING,
    "SUCCEEDED": SUCCEEDED,
    "FAILED": FAILED,
    "TIMED_OUT": FAILED,
    "ABORTED": STOPPED,
}
# What AWS answers about the history of an Express execution.
_NO_HISTORY = ("InvalidArn", "ExecutionDoesNotExist", "ValidationException")


def read_execution(client: Any, arn: str, children: int = CHILDREN) -> Execution:
    """Return an execution with its states; of each Map run at most so many `children`.

    `client` is one for `stepfunctions`. Raises UserError when there is no such execution.
    """
    try:
        found = client.describe_execution(executionArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_HISTORY:
            raise
        why = EXPRESS if ":express:" in arn else "make history lists the newest ones"
        raise UserError(f"no execution {arn} can be read; {why}") from None
    execution = _described(found)
    happened, execution.note = _history(client, arn)
    execution.states, by_run = events.walk(happened)
    for run in _map_runs(client, arn) if any(_maps(execution.states)) else ():
        _add_children(client, _owner(execution.states, by_run, run), run, children)
    _finish(execution)
    return execution


def _described(found: dict[str, Any]) -> Execution:
    return Execution(
        arn=found["executionArn"],
        name=found["name"],
        machine=found["stateMachineArn"].rpartition(":")[2],
        status=found["status"],
        started=found["startDate"],
        ended=found.get("stopDate"),
        input=value_of(found.get("input")),
        output=value_of(found.get("output")),
        error=found.get("error"),
        cause=without_tokens(found.get("cause")),
    )


def _history(client: Any, arn: str) -> tuple[list[events.Event], str | None]:
    """Return the events of an execution; why there are none, where AWS keeps none."""
    pages = client.get_paginator("get_execution_history").paginate(
        executionArn=arn, includeExecutionData=True, PaginationConfig={"PageSize": 1000}
    )
    try:
        return [event for page in pages for event in page["events"]], None
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_HISTORY:
            raise
        return [], EXPRESS


def _finish(found: Execution | Child) -> None:
    running = found.status in ("RUNNING", RUNNING)
    problem = (found.error, found.cause) if found.error else NOTHING
    settle(found.states, problem, running=running)
    last = found.states[-1] if found.states else None
    if last is not None and last.status == STOPPED and found.status in ("FAILED", FAILED):
        # No event says why: the state could not be evaluated.
        last.status, (last.error, last.cause) = FAILED, problem


def _map_runs(client: Any, arn: str) -> Iterator[MapRun]:
    """Return the runs of an execution's Distributed Maps, the first one first."""
    pages = client.get_paginator("list_map_runs").paginate(executionArn=arn)
    listed = [run for page in pages for run in page["mapRuns"]]
    for one in sorted(listed, key=lambda run: run["startDate"]):
        run = client.describe_map_run(mapRunArn=one["mapRunArn"])
        counts = {name: count for name, count in run["executionCounts"].items() if count}
        yield MapRun(run["mapRunArn"], run["status"], counts, run["startDate"], run.get("stopDate"))


def _maps(states: list[State]) -> Iterator[State]:
    """Return all Map states, those of branches and items included."""
    for state in states:
        inner = [branch.states for branch in state.branches]
        inner += [child.states for child in state.children]
        if state.type == "Map":
            yield state
        for each in inner:
            yield from _maps(each)


def _owner(states: list[State], by_run: dict[str, State], run: MapRun) -> State:
    """Return the Map state that a run is of: the history names it, or the time tells."""
    if run.arn in by_run:
        return by_run[run.arn]
    maps = [one for one in _maps(states) if all(child.execution for child in one.children)]
    at_work = [
        one
        for one in maps
        if one.entered <= run.started and (one.left is None or run.started <= one.left)
    ]
    return max(at_work or maps, key=lambda one: one.entered)


def _add_children(client: Any, state: State, run: MapRun, limit: int) -> None:
    state.map_runs.append(run)
    pages = client.get_paginator("list_executions")
    arns: list[str] = []
    for only in ({"statusFilter": "FAILED"}, {}):
        for page in pages.paginate(mapRunArn=run.arn, **only):
            arns += [one["executionArn"] for one in page["executions"]]
            if len(arns) >= 2 * limit:
                break
    for arn in list(dict.fromkeys(arns))[:limit]:
        state.children.append(_child(client, arn, len(state.map_runs)))
    state.children.sort(key=lambda one: (one.attempt, str(one.started)))


def _child(client: Any, arn: str, attempt: int) -> Child:
    found = client.describe_execution(executionArn=arn)
    happened, note = _history(client, arn)
    child = Child(
        execution=arn,
        attempt=attempt,
        status=_STATUS[found["status"]],
        started=found["startDate"],
        ended=found.get("stopDate"),
        input=value_of(found.get("input")),
        output=value_of(found.get("output")),
        error=found.get("error"),
        cause=without_tokens(found.get("cause")),
        note=note,
    )
    child.states, _ = events.walk(happened)
    _finish(child)
    return child
