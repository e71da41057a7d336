"""Where the workflow's variables hold: its scopes, and the ways through their states."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Edge:
    """A way from one state to the next, and the variables that it assigns."""

    start: str
    end: str
    assigns: frozenset[str]


@dataclass(frozen=True)
class Scope:
    """A machine with variables of its own: the whole, a Parallel's branch, or a Map's items.

    `outer` and `inside` say in which state of which scope it stands; `cut_off` that its states do
    not see the variables around it.
    """

    machine: dict[str, Any]
    outer: "Scope | None" = None
    inside: str = ""
    cut_off: bool = False

    @property
    def edges(self) -> list[Edge]:
        """All ways from state to state."""
        return [edge for each in self.machine["States"].items() for edge in _edges(*each)]

    @property
    def assigned(self) -> set[str]:
        """All variables that some state of this scope assigns."""
        return {
            name
            for state in self.machine["States"].values()
            for place in (state, *state.get("Choices", []), *state.get("Catch", []))
            for name in _assigned(place)
        }

    @property
    def visible(self) -> set[str]:
        """All variables that can be there for a state of this scope."""
        around = set() if self.outer is None or self.cut_off else self.outer.visible
        return self.assigned | around

    def way_without(self, name: str, state: str) -> list[str] | None:
        """States on a way to `state` on which nothing assigns the variable; None without one."""
        before: dict[str, str | None] = {self.machine["StartAt"]: None}
        waiting = [self.machine["StartAt"]]
        while waiting and state not in before:
            here = waiting.pop(0)
            for edge in self.edges:
                if edge.start == here and name not in edge.assigns and edge.end not in before:
                    before[edge.end] = here
                    waiting.append(edge.end)
        if state not in before:
            return None
        if self.outer and not self.cut_off and not self.outer.way_without(name, self.inside):
            return None
        way: list[str] = []
        at: str | None = state
        while at is not None:
            way.insert(0, at)
            at = before[at]
        return way


def _assigned(place: dict[str, Any]) -> list[str]:
    """The variables that a state, a Catch or a Choice rule assigns; none when it is malformed."""
    found = place.get("Assign")
    return list(found) if isinstance(found, dict) else []


def _edges(name: str, state: dict[str, Any]) -> Iterator[Edge]:
    def edge(end: str, of: dict[str, Any]) -> Edge:
        return Edge(name, end, frozenset(_assigned(of)))

    for each in (*state.get("Choices", []), *state.get("Catch", [])):
        yield edge(each["Next"], each)
    for end in ("Next", "Default"):
        if end in state:
            yield edge(state[end], state)


def scopes(machine: dict[str, Any]) -> Iterator[Scope]:
    """The scope of the whole machine, and of all branches and items in it."""
    waiting = [Scope(machine)]
    while waiting:
        scope = waiting.pop()
        yield scope
        for name, state in scope.machine["States"].items():
            waiting += [Scope(each, scope, name) for each in state.get("Branches", [])]
            if processor := state.get("ItemProcessor"):
                mode = (processor.get("ProcessorConfig") or {}).get("Mode")
                waiting.append(Scope(processor, scope, name, cut_off=mode == "DISTRIBUTED"))
