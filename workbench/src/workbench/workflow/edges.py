"""Every way that an execution can go from a state, listed from the definition itself.

An edge is a line of text, such as `WeighParcel: Catch States.ALL → Failed`. What tests saw
happen is put into the same words by `of_test_state` and `of_history`; so they can be compared.
"""

import itertools
from collections.abc import Iterator
from typing import Any

from workbench.workflow.definition import State, machines, states

SILENCE = "no answer"
TIMEOUT = "States.Timeout"


def edges(definition: dict[str, Any]) -> list[str]:
    """All edges, in the order of the definition."""
    found = []
    for machine in machines(definition):
        found.append(start(machine["StartAt"]))
        for name, state in machine["States"].items():
            found += [f"{name}: {text}" for text in _transitions(state)]
            found += [f"{name}: {text}" for text in _failures(state)]
    return found


def start(name: str) -> str:
    """The edge that leads into a machine, a branch or an item."""
    return f"StartAt → {name}"


def _transitions(state: State) -> Iterator[str]:
    """Where a state leads when nothing fails."""
    for number, rule in enumerate(state.get("Choices", []), 1):
        yield f"rule {number} → {rule['Next']}"
    if "Default" in state:
        yield f"Default → {state['Default']}"
    if "Next" in state:
        yield f"Next → {state['Next']}"
    if state.get("End"):
        yield "End"
    if state["Type"] in ("Succeed", "Fail"):
        yield f"ends ({state['Type']})"
    for branch in state.get("Branches", []):
        yield f"branch {branch['StartAt']}"
    if "ItemProcessor" in state:
        yield f"item {state['ItemProcessor']['StartAt']}"
    if state.get("Resource", "").endswith(".waitForTaskToken"):
        yield "answer"
        yield SILENCE


def _failures(state: State) -> Iterator[str]:
    """Where a state leads when something fails."""
    for number, retry in enumerate(state.get("Retry", []), 1):
        if retry.get("MaxAttempts") == 0:
            continue  # it says what is not tried again, whatever the retriers after it say
        yield from (f"Retry {error}" for error in retry["ErrorEquals"])
        yield f"Retry {number} used up"
    for catch in state.get("Catch", []):
        yield from (f"Catch {error} → {catch['Next']}" for error in catch["ErrorEquals"])
    if "TimeoutSeconds" in state:
        yield "TimeoutSeconds"
    if "ItemProcessor" in state:
        yield "an item fails"
    if "Branches" in state:
        yield "a branch fails"
    if state["Type"] in ("Task", "Parallel", "Map") and not catches_all(state):
        yield "an error that nobody catches"


def catches_all(state: State) -> bool:
    """Whether a state catches whatever happens."""
    return any("States.ALL" in catch["ErrorEquals"] for catch in state.get("Catch", []))


def _named(group: list[str], error: str) -> str:
    """By which of the names in `ErrorEquals` an error is meant."""
    return error if error in group else "States.ALL"


def of_test_state(
    definition: dict[str, Any], name: str, answer: dict[str, Any], tried: int = 0
) -> list[str]:
    """The edges that a state took, as TestState tells (on inspection level DEBUG).

    `tried` is how often the state had been tried again before.
    """
    state, status = states(definition)[name], answer["status"]
    if state["Type"] in ("Succeed", "Fail"):
        return [f"{name}: ends ({state['Type']})"]
    if status == "SUCCEEDED":
        return [f"{name}: {_transition(state, answer.get('nextState'))}"]
    error, details = answer["error"], answer["inspectionData"].get("errorDetails", {})
    if status == "RETRIABLE":
        group = state["Retry"][details["retryIndex"]]["ErrorEquals"]
        return [f"{name}: Retry {_named(group, error)}"]
    taken = [f"{name}: TimeoutSeconds"] if error == TIMEOUT else []
    for number, retry in enumerate(state.get("Retry", []), 1):
        if (
            tried
            and retry.get("MaxAttempts") != 0
            and {error, "States.ALL"} & set(retry["ErrorEquals"])
        ):
            taken.append(f"{name}: Retry {number} used up")
    if status == "CAUGHT_ERROR":
        catch = state["Catch"][details["catchIndex"]]
        named = _named(catch["ErrorEquals"], error)
        return [*taken, f"{name}: Catch {named} → {answer['nextState']}"]
    return [*taken, f"{name}: an error that nobody catches"]


def _transition(state: State, following: str | None) -> str:
    """The one transition of a state that leads to `following`."""
    if following is None:
        return "End"
    found = [text for text in _transitions(state) if text.endswith(f" → {following}")]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} transitions lead to {following}; tell them apart")
    return found[0]


def of_history(definition: dict[str, Any], history: list[dict[str, Any]]) -> list[str]:
    """The edges that an execution took, as its history tells."""
    names = [
        event["stateEnteredEventDetails"]["name"]
        for event in history
        if "stateEnteredEventDetails" in event
    ]
    top = definition["States"]
    way = [name for name in names if name in top]
    taken = [start(way[0])]
    for here, following in itertools.pairwise(way):
        taken += [f"{here}: {arrow}" for arrow in _arrow(top[here], following)]
    last = top[way[-1]]
    if last["Type"] in ("Succeed", "Fail"):
        taken.append(f"{way[-1]}: ends ({last['Type']})")
    elif last.get("End") and history[-1]["type"] == "ExecutionSucceeded":
        taken.append(f"{way[-1]}: End")
    for name in way:
        inner = [each["StartAt"] for each in top[name].get("Branches", [])]
        taken += [f"{name}: branch {each}" for each in inner if each in names]
        taken += [start(each) for each in inner if each in names]
        item = top[name].get("ItemProcessor", {}).get("StartAt")
        if item in names:
            taken += [f"{name}: item {item}", start(item)]
    return taken


def _arrow(state: State, following: str) -> list[str]:
    """The one edge of a state that leads to `following`, failures included.

    None when a failure leads where success does: a history does not say which it was.
    """
    going = [text for text in _transitions(state) if text.endswith(f" → {following}")]
    failing = [text for text in _failures(state) if text.endswith(f" → {following}")]
    if len(going) > 1 or len(failing) > 1 or not (going or failing):
        raise AssertionError(
            f"{len(going) + len(failing)} edges lead to {following}; tell them apart"
        )
    return [] if going and failing else going or failing
