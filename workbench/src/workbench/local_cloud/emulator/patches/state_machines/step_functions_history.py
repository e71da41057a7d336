"""Step Functions: what the history of an execution says beyond the states' names."""

import contextvars
import json
import threading
from collections.abc import Callable
from typing import Any

from workbench.local_cloud.emulator.patches.targets import module

_ASSIGNED: contextvars.ContextVar[dict[str, str] | None] = contextvars.ContextVar(
    "assigned", default=None
)
_LAST: contextvars.ContextVar[tuple[str, int]] = contextvars.ContextVar("last", default=("", 0))
_ITEM_OF: contextvars.ContextVar[str] = contextvars.ContextVar("item_of", default="")


def linked_history() -> None:
    """Each event names the one before it; branches, items, Map runs and children begin and end.

    AWS gives each event a `previousEventId`, and has events at the start and end of a Parallel's
    and a Map's work, of each item, of a Map run and of its children. MiniStack has none of them,
    so that branches at work at once cannot be told apart. They are added; `length` of
    MapStateStarted is left out.
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
    """
    states = module("services.stepfunctions")
    add_event = states._add_event

    def add_linked(execution: Any, kind: str, details: Any = None) -> Any:
        arn = execution.get("executionArn", "")
        before, number = _LAST.get()
        link = {"previousEventId": number if before == arn else 0}
        event = add_event(execution, kind, link | (details or {}))
        _LAST.set((arn, event["id"]))
        return event

    states._add_event = add_linked
    states._run_parallel_branches = _surrounded(states, states._run_parallel_branches, "Parallel")
    states._run_map_items = _surrounded(states, states._run_map_items, "Map")
    states._run_distributed_map = _with_end_of_run(states, states._run_distributed_map)
    states._run_sub_machine = _with_items(states, states._run_sub_machine)


def _surrounded(states: Any, run: Callable[..., Any], kind: str) -> Callable[..., Any]:
    """Return how a Parallel or a Map does its work once, with events around it."""

    def run_surrounded(state: Any, raw_input: Any, execution: Any, ctx: Any) -> Any:
        states._add_event(execution, f"{kind}StateStarted")
        # Branches and items work in copies of this context.
        mark = _ITEM_OF.set(ctx["State"]["Name"] if kind == "Map" else "")
        try:
            found = run(state, raw_input, execution, ctx)
        except states._ExecutionError:
            states._add_event(execution, f"{kind}StateFailed")
            raise
        finally:
            _ITEM_OF.reset(mark)
        states._add_event(execution, f"{kind}StateSucceeded")
        return found

    return run_surrounded


def _with_end_of_run(states: Any, run: Callable[..., Any]) -> Callable[..., Any]:
    """Return how a Distributed Map does its work, with an event at its end."""

    def run_to_its_end(*arguments: Any) -> Any:
        execution = arguments[4]
        try:
            found = run(*arguments)
        except states._ExecutionError as error:
            details = {"error": error.error, "cause": error.cause}
            states._add_event(execution, "MapRunFailed", {"mapRunFailedEventDetails": details})
            raise
        states._add_event(execution, "MapRunSucceeded")
        return found

    return run_to_its_end


def _with_items(states: Any, run: Callable[..., Any]) -> Callable[..., Any]:
    """Return how a branch, an item or a child runs, with events around an item and a child."""
    starting = threading.Lock()

    def run_with_events(
        definition: Any, start_at: Any, value: Any, execution: Any, ctx: Any
    ) -> Any:
        around = _ITEM_OF.get()
        _ITEM_OF.set("")  # for what is inside
        if not around:
            return run(definition, start_at, value, execution, ctx)
        if execution.get("mapRunArn"):
            with starting:
                _begin_run(states, states._map_runs[execution["mapRunArn"]])
            kind, name = "Execution", "execution{}EventDetails"
            details = {"input": execution["input"]}
        else:
            kind, name = "MapIteration", "mapIteration{}EventDetails"
            details = {"name": around, "index": ctx["Map"]["Item"]["Index"]}
        states._add_event(execution, f"{kind}Started", {name.format("Started"): details})
        try:
            found = run(definition, start_at, value, execution, ctx)
        except states._ExecutionError as error:
            if kind == "Execution":
                details = {"error": error.error, "cause": error.cause}
            states._add_event(execution, f"{kind}Failed", {name.format("Failed"): details})
            raise
        if kind == "Execution":
            details = {"output": json.dumps(found)}
        states._add_event(execution, f"{kind}Succeeded", {name.format("Succeeded"): details})
        return found

    return run_with_events


def _begin_run(states: Any, run: Any) -> None:
    """Note in the parent's history that a Map run has begun, once."""
    if "_noted" not in run:
        run["_noted"] = True
        details = {"mapRunStartedEventDetails": {"mapRunArn": run["mapRunArn"]}}
        states._add_event(states._executions[run["executionArn"]], "MapRunStarted", details)


def assigned_variables() -> None:
    """A state's exit says which variables it has assigned.

    AWS has them as `assignedVariables`, each as JSON. MiniStack leaves them out. What a state
    assigns is kept until its exit is noted.
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StateExitedEventDetails.html
    """
    states = module("services.stepfunctions")
    add_event, assign = states._add_event, states._apply_state_assign

    def assign_and_keep(state: Any, raw_input: Any, ctx: Any, **more: Any) -> None:
        assign(state, raw_input, ctx, **more)
        names = state.get("Assign")
        if ctx is not None and isinstance(names, dict):
            variables = ctx.get("variables", {})
            kept = {name: json.dumps(variables[name]) for name in names if name in variables}
            _ASSIGNED.set(kept)

    def add_with_variables(execution: Any, kind: str, details: Any = None) -> Any:
        if kind.endswith("StateEntered"):
            _ASSIGNED.set(None)
        elif kind.endswith("StateExited") and (assigned := _ASSIGNED.get()):
            left = details["stateExitedEventDetails"] | {"assignedVariables": assigned}
            details = details | {"stateExitedEventDetails": left}
            _ASSIGNED.set(None)
        return add_event(execution, kind, details)

    states._apply_state_assign, states._add_event = assign_and_keep, add_with_variables
