"""A state machine as a graph: its states, and the ways from one to the next."""

from collections.abc import Iterator
from typing import Any

import msgspec

type Definition = dict[str, Any]

ENTERS = "enters"  # from a Parallel or Map to the first state inside
NEXT = "next"
CHOICE = "choice"
DEFAULT = "default"
CATCH = "catch"


class Node(msgspec.Struct, frozen=True):
    """A state. `inside` names the Parallel or Map around it, `branch` which of its branches.

    `work` says what it does in a few words, `waits` that it waits for somebody's answer.
    """

    name: str
    type: str
    work: str
    inside: str | None = None
    branch: int = 0
    ends: bool = False


class Edge(msgspec.Struct, frozen=True):
    """A way from a state to another. `says` is its condition, or the errors that take it."""

    source: str
    target: str
    kind: str
    says: str = ""


class Graph(msgspec.Struct, frozen=True):
    """A state machine: where it starts, its states in the definition's order, its edges."""

    start: str
    nodes: list[Node]
    edges: list[Edge]

    def within(self, owner: str | None) -> list[Node]:
        """Return the states directly inside a Parallel or Map; of the machine itself for None."""
        return [node for node in self.nodes if node.inside == owner]

    def owners(self) -> set[str]:
        """Return the names of the states that have states inside."""
        return {node.inside for node in self.nodes if node.inside}

    def backward(self) -> set[tuple[str, str]]:
        """Return the edges that lead back, as (source, target).

        Those are the ones of a circle that lead to a state which the definition has before.
        """
        place = {node.name: number for number, node in enumerate(self.nodes)}
        return {
            (edge.source, edge.target)
            for edge in self.edges
            if place[edge.target] <= place[edge.source]
            and edge.source in self._reached_from(edge.target)
        }

    def _reached_from(self, start: str) -> set[str]:
        found, waiting = {start}, [start]
        while waiting:
            name = waiting.pop()
            fresh = {edge.target for edge in self.edges if edge.source == name} - found
            found |= fresh
            waiting += fresh
        return found


def of(definition: Definition) -> Graph:
    """Return the graph of a definition, in its own order; ways that lead nowhere are left out."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    _add(definition, None, 0, nodes, edges)
    names = {node.name for node in nodes}
    return Graph(definition["StartAt"], nodes, [one for one in edges if one.target in names])


def _add(
    machine: Definition, owner: str | None, branch: int, nodes: list[Node], edges: list[Edge]
) -> None:
    for name, state in machine["States"].items():
        nodes.append(
            Node(name, state.get("Type", "?"), work_of(state), owner, branch, _ends(state))
        )
        edges += _ways(name, state)
        for number, inner in enumerate(inner_machines(state)):
            edges.append(Edge(name, inner["StartAt"], ENTERS))
            _add(inner, name, number, nodes, edges)


def inner_machines(state: dict[str, Any]) -> list[Definition]:
    """Return the branches of a Parallel, or what a Map does with each item."""
    item = state.get("ItemProcessor") or state.get("Iterator")
    return [*state.get("Branches", []), *([item] if item else [])]


def _ends(state: dict[str, Any]) -> bool:
    return bool(state.get("End")) or state.get("Type") in ("Succeed", "Fail")


def _ways(name: str, state: dict[str, Any]) -> Iterator[Edge]:
    for rule in state.get("Choices", []):
        yield Edge(name, rule["Next"], CHOICE, condition_of(rule))
    if "Default" in state:
        yield Edge(name, state["Default"], DEFAULT, "otherwise")
    if "Next" in state:
        yield Edge(name, state["Next"], NEXT)
    for catch in state.get("Catch", []):
        yield Edge(name, catch["Next"], CATCH, ", ".join(catch["ErrorEquals"]))


def condition_of(rule: dict[str, Any]) -> str:
    """Return the condition of a Choice's rule: its expression, or JSONPath's comparison."""
    if "Condition" in rule:
        return str(rule["Condition"]).removeprefix("{%").removesuffix("%}").strip()
    parts = [f"{key} {value}" for key, value in rule.items() if key not in ("Next", "Comment")]
    return " ".join(parts)


def work_of(state: dict[str, Any]) -> str:
    """Return what a state does in a few words: `Lambda`, `DynamoDB getItem`, `each item` …"""
    kind: str = state.get("Type", "?")
    if kind == "Task":
        return _service(str(state.get("Resource", "")))
    if kind == "Map":
        mode = (state.get("ItemProcessor") or {}).get("ProcessorConfig", {}).get("Mode", "")
        return "Map, distributed" if mode == "DISTRIBUTED" else "Map"
    if kind == "Fail":
        return str(state.get("Error", "Fail"))
    return kind


_NAMES = {
    "dynamodb": "DynamoDB",
    "ecs": "ECS",
    "events": "EventBridge",
    "lambda": "Lambda",
    "s3": "S3",
    "sns": "SNS",
    "sqs": "SQS",
    "states": "Step Functions",
}


def _service(resource: str) -> str:
    """Return service and action of a task's Resource: `arn:aws:states:::dynamodb:getItem`."""
    parts = resource.split(":::")[-1].removeprefix("aws-sdk:").split(":")
    if ":function:" in resource:
        return "Lambda"
    if ":activity:" in resource:
        return "activity"
    service, action = parts[0], parts[1] if len(parts) > 1 else ""
    action, _, pattern = action.partition(".")
    called = _NAMES.get(service, service)
    text = called if service == "lambda" else f"{called} {action}".strip()
    return f"{text}, waits" if pattern == "waitForTaskToken" else text
