"""Step Functions: `TestState`, which runs one state of a definition by itself."""

import json
from collections.abc import Iterator
from typing import Any

from workbench.local_cloud.emulator.patches.targets import module

_QUIET = {"Pass": "_execute_pass", "Choice": "_execute_choice", "Wait": "_execute_wait"}


def jsonata_test_state() -> None:
    """`TestState` knows JSONata: arguments, outputs, variables, retries before catchers.

    On AWS a state under test has variables, evaluates its expressions on a mocked result or error,
    is told how often it was retried, may lie in a branch or a Map's items, and may be a Parallel or
    a Map. MiniStack's TestState knows JSONPath only. The answer for JSONata is written anew; a
    Task, a Parallel and a Map need a mock.
    """
    states = module("services.stepfunctions")
    unpatched = states._test_state

    def test_state(data: Any) -> Any:
        definition = json.loads(data.get("definition") or "{}")
        if definition.get("QueryLanguage") != "JSONata":
            return unpatched(data)
        name = data.get("stateName") or definition.get("StartAt") or "TestState"
        state = next((found[name] for found in _scopes(definition) if name in found), definition)
        if "Type" not in state:
            return states.error_response_json("InvalidDefinition", f"no state {name!r}", 400)
        ctx = _context(data, name)
        value = json.loads(data.get("input") or "{}")
        inspected: dict[str, Any] = {}
        try:
            answer = _answer(states, state, value, ctx, data, inspected)
        except states._ExecutionError as error:
            answer = {"status": "FAILED", "error": error.error, "cause": error.cause}
        if data.get("inspectionLevel") in ("DEBUG", "TRACE"):
            inspected["variables"] = json.dumps(ctx["variables"])
            answer["inspectionData"] = inspected
        return states.json_response(answer)

    states._test_state = test_state


def _scopes(machine: Any) -> Iterator[Any]:
    """The states of a machine, and of the machines in its branches and items."""
    yield machine.get("States", {})
    for state in machine.get("States", {}).values():
        for inner in [*state.get("Branches", []), state.get("ItemProcessor")]:
            if inner:
                yield from _scopes(inner)


def _context(data: Any, name: str) -> Any:
    """The context object of a state under test: what the caller gave, and what it always has."""
    states = module("services.stepfunctions")
    given = json.loads(data.get("context") or "{}")
    execution = (
        f"arn:aws:states:{states.get_region()}:{states.get_account_id()}:execution:test:test"
    )
    return {
        "Execution": {"Id": execution, "Name": "test", "StartTime": states.now_iso()},
        "StateMachine": {"Id": "test", "Name": "test"},
        **given,
        "State": {"Name": name, "EnteredTime": states.now_iso()} | given.get("State", {}),
        "QueryLanguage": "JSONata",
        "variables": json.loads(data.get("variables") or "{}"),
    }


def _answer(states: Any, state: Any, value: Any, ctx: Any, data: Any, inspected: Any) -> Any:
    """What TestState says of a state; `inspected` gets what it says on DEBUG."""
    kind = state["Type"]
    if kind == "Fail":
        error, cause = states._fail_state_error(state, value, ctx)
        return {"status": "FAILED", "error": error, "cause": cause}
    if kind == "Succeed":
        output, following = states._apply_output_path(state, value, ctx), None
    elif kind in _QUIET:
        output, following = getattr(states, _QUIET[kind])(state, value, ctx)
    else:
        mock = data.get("mock") or {}
        if kind == "Map" and "ItemSelector" in state:
            items = json.loads(data.get("stateConfiguration", {}).get("mapItemReaderData", "[]"))
            ctx["Map"] = {"Item": {"Index": 0, "Value": items[0] if items else None}}
            selected = states._apply_jsonata_template(state["ItemSelector"], value, ctx)
            inspected["afterItemSelector"] = json.dumps(selected)
        arguments = states._apply_jsonata_arguments(state, value, ctx)
        inspected["afterArguments"] = json.dumps(arguments)
        if "errorOutput" in mock:
            return _failed(states, state, value, ctx, data, inspected)
        result = json.loads(mock.get("result") or "{}")
        output = states._apply_jsonata_output(state, value, ctx, result=result, default=result)
        states._apply_state_assign(state, value, ctx, result=result)
        following = states._next_or_end(state)
    answer = {"status": "SUCCEEDED", "output": json.dumps(output)}
    return answer | ({"nextState": following} if following else {})


def _failed(states: Any, state: Any, value: Any, ctx: Any, data: Any, inspected: Any) -> Any:
    """What becomes of a state whose mocked work failed: tried again, caught, or failed."""
    mocked = data["mock"]["errorOutput"]
    output = {"Error": mocked.get("error", ""), "Cause": mocked.get("cause", "")}
    answer = {"error": output["Error"], "cause": output["Cause"]}
    count = data.get("stateConfiguration", {}).get("retrierRetryCount", 0)
    for index, retrier in enumerate(state.get("Retry", [])):
        if states._error_matches(retrier["ErrorEquals"], output["Error"]):
            if count < retrier.get("MaxAttempts", 3):
                delay = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2) ** count
                inspected["errorDetails"] = {
                    "retryIndex": index,
                    "retryBackoffIntervalSeconds": min(
                        delay, retrier.get("MaxDelaySeconds", delay)
                    ),
                }
                return answer | {"status": "RETRIABLE"}
            break
    for index, catcher in enumerate(state.get("Catch", [])):
        if states._error_matches(catcher["ErrorEquals"], output["Error"]):
            given = states._apply_catcher(catcher, value, ctx, "JSONata", output)
            inspected["errorDetails"] = {"catchIndex": index}
            caught = {"status": "CAUGHT_ERROR", "output": json.dumps(given)}
            return answer | caught | {"nextState": catcher["Next"]}
    return answer | {"status": "FAILED"}
