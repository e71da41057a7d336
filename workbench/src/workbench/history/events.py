"""The states of an execution, from the events of its history.

Each event names the one before it, so that branches which run at once can be told apart. Where that
is missing, an event follows the one before it in the list.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.history.hiding import value_of, without_tokens
from workbench.history.model import FAILED, STOPPED, SUCCEEDED, Branch, Child, State, Try

COMPOSITE = ("Parallel", "Map")
UNNAMED = ""  # the error of a failure whose event does not name it: it stands further inside
_STARTS = ("ParallelStateStarted", "MapStateStarted", "MapRunStarted")
_FAILURES = ("Failed", "TimedOut", "Aborted")
_ENDS = {"Succeeded": SUCCEEDED, "Failed": FAILED, "Aborted": STOPPED}

Event = Mapping[str, Any]


@dataclass
class _Frame:
    """States that follow one another: the machine's own, a branch's, or those of a Map's item."""

    states: list[State]
    around: "_Place | None" = None
    child: Child | None = None


@dataclass(frozen=True)
class _Place:
    """Where an event has happened: in which states, and in which of them, if in one."""

    frame: _Frame
    state: State | None = None


@dataclass
class _Walk:
    """A walk through the events; `map_runs` are the ARNs of Map runs by their state's identity."""

    root: list[State] = field(default_factory=list)
    places: dict[int, _Place] = field(default_factory=dict)
    failed: set[int] = field(default_factory=set)  # composites between a failure and a retry
    map_runs: dict[str, State] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.start = self.last = _Place(_Frame(self.root))

    def take(self, event: Event) -> None:
        """Note what an event says."""
        previous = event.get("previousEventId")
        place = self.last if previous is None else self.places.get(previous, self.start)
        self.last = self.places[event["id"]] = self._next(event, place)

    def _next(self, event: Event, place: _Place) -> _Place:
        kind: str = event["type"]
        if kind.endswith("StateEntered"):
            return self._entered(event, place)
        if kind.endswith("StateExited"):
            return self._exited(event, place)
        if kind.startswith("MapIteration"):
            return self._iteration(event, place)
        if kind.startswith(("ParallelState", "MapState", "MapRun")):
            return self._composite(event, place)
        if not kind.startswith("Execution") and place.state is not None:
            _attempt(event, place.state)
        return place

    def _entered(self, event: Event, place: _Place) -> _Place:
        details = details_of(event)
        kind = event["type"].removesuffix("StateEntered")
        state = State(details["name"], kind, event["timestamp"], value_of(details.get("input")))
        frame = place.frame
        if place.state is not None and place.state.type in COMPOSITE:
            frame = _inside(place, event)
        frame.states.append(state)
        return _Place(frame, state)

    def _exited(self, event: Event, place: _Place) -> _Place:
        details = details_of(event)

        def is_it(state: State) -> bool:
            return state.name == details["name"] and state.left is None

        found = _above(place, is_it) or self._anywhere(is_it)
        if found is None or found.state is None:
            return place
        state = found.state
        state.left, state.output = event["timestamp"], value_of(details.get("output"))
        assigned = details.get("assignedVariables") or {}
        named = {name: value_of(text) for name, text in assigned.items()}
        state.variables = without_tokens(named)
        return _Place(found.frame)

    def _anywhere(self, wanted: Callable[[State], bool]) -> _Place | None:
        """Return the last place whose state is `wanted`: for events that name none before them."""
        there = (one for one in reversed(self.places.values()) if one.state is not None)
        return next((one for one in there if one.state and wanted(one.state)), None)

    def _iteration(self, event: Event, place: _Place) -> _Place:
        details = details_of(event)
        found = _above(place, lambda one: one.name == details["name"] and one.type == "Map")
        if found is None or found.state is None:
            return place
        if event["type"] == "MapIterationStarted":
            return _Place(_inside(found, event, details["index"]))
        for child in found.state.children[::-1]:
            if child.index == details["index"]:
                child.status = _ENDS[event["type"].removeprefix("MapIteration")]
                child.ended = event["timestamp"]
                break
        return found

    def _composite(self, event: Event, place: _Place) -> _Place:
        kind: str = event["type"]
        wanted = "Parallel" if kind.startswith("Parallel") else "Map"
        found = _above(place, lambda one: one.type == wanted and id(one) not in self.failed)
        if kind in _STARTS and place.state is not None and place.state.type == wanted:
            found = place  # a retry
        if found is None or found.state is None:
            return place
        state, details = found.state, details_of(event)
        if kind in _STARTS:
            self.failed.discard(id(state))
            if kind == "MapRunStarted":
                self.map_runs[details["mapRunArn"]] = state
            if not state.tries or state.tries[-1].ended is not None:
                state.tries.append(Try(event["timestamp"]))
        else:
            _end_of_try(event, state)
            if kind.endswith(_FAILURES) and not kind.startswith("MapRun"):
                self.failed.add(id(state))
        return found


def walk(events: Iterable[Event]) -> tuple[list[State], dict[str, State]]:
    """Return the states that were entered, and the states of Map runs by the runs' ARNs.

    What became of each state is not said yet: `workbench.history.endings` does.
    """
    taken = _Walk()
    for event in events:
        taken.take(event)
    return taken.root, taken.map_runs


def details_of(event: Event) -> Mapping[str, Any]:
    """Return what an event says beyond its type and time."""
    for name, details in event.items():
        if name.endswith("EventDetails"):
            found: Mapping[str, Any] = details
            return found
    return {}


def _above(place: _Place, wanted: Callable[[State], bool]) -> _Place | None:
    """Return the nearest place, from here outwards, whose state is `wanted`."""
    at: _Place | None = place
    while at is not None:
        if at.state is not None and wanted(at.state):
            return at
        at = at.frame.around
    return None


def _inside(place: _Place, event: Event, index: int | None = None) -> _Frame:
    """Return the states of a new branch or item of the composite state at `place`."""
    owner, states = place.state, list[State]()
    if owner is None:
        raise ValueError(event)
    attempt = max(len(owner.tries), 1)
    if owner.type == "Parallel":
        owner.branches.append(Branch(attempt, states))
        return _Frame(states, place)
    child = Child(index, attempt=attempt, started=event["timestamp"], states=states)
    owner.children.append(child)
    return _Frame(states, place, child)


def _attempt(event: Event, state: State) -> None:
    """Note an event about a task's work, or an expression that could not be evaluated."""
    kind: str = event["type"]
    if kind.endswith("Scheduled"):
        state.tries.append(Try(event["timestamp"]))
    elif kind.endswith(("Failed", "TimedOut", "Succeeded")):
        _end_of_try(event, state)


def _end_of_try(event: Event, state: State) -> None:
    details = details_of(event)
    if not state.tries:
        state.tries.append(Try(event["timestamp"]))
    last = state.tries[-1]
    last.ended = event["timestamp"]
    if event["type"].endswith(_FAILURES):
        unnamed = "States.Timeout" if event["type"].endswith("TimedOut") else UNNAMED
        last.error = details.get("error") or last.error or unnamed
        last.cause = without_tokens(details.get("cause")) or last.cause
