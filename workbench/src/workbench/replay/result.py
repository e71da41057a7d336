"""What replaying a scenario gave, and how that is compared with what was expected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from workbench.replay.scenarios import Scenario

type Field = tuple[str, str, str]
"""What was compared: its name, what was expected, what came; for people."""


@dataclass(frozen=True)
class Taken:
    """An event on a bus, as it was sent, and the names of the rules that took it."""

    bus: str
    event: Mapping[str, Any]
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """One scenario after its replay; as expected when there are no `differences`.

    `path` says which way it took; `seen` and `subject` are what its kind has observed, and of what.
    `fields` is all that was compared, `executions` are the ARNs of those that worked on it, and
    `events` what was sent about it.
    `why` says where it failed, if it did and that differs from what was expected.
    """

    scenario: Scenario
    rule: str
    path: str
    outcome: str
    seconds: float
    differences: list[str] = field(default_factory=list)
    seen: Any = None
    subject: str | None = None
    fields: Sequence[Field] = ()
    executions: tuple[str, ...] = ()
    events: tuple[Taken, ...] = ()
    started: datetime | None = None
    why: list[str] = field(default_factory=list)

    @property
    def as_expected(self) -> bool:
        """Whether everything came as expected."""
        return not self.differences


def compare(expected: msgspec.Struct, seen: msgspec.Struct) -> list[str]:
    """Return every field in which `seen` is not what was `expected`, as a line for people."""
    wanted, got = msgspec.structs.asdict(expected), msgspec.structs.asdict(seen)
    return [
        f"{name}: expected {shown(wanted[name])}, got {shown(got[name])}"
        for name in wanted
        if wanted[name] != got[name]
    ]


def side_by_side(expected: msgspec.Struct, seen: msgspec.Struct) -> tuple[Field, ...]:
    """Return all that `compare` compares, alike or not."""
    wanted, got = msgspec.structs.asdict(expected), msgspec.structs.asdict(seen)
    return tuple((name, shown(wanted[name]), shown(got[name])) for name in wanted)


def failed(scenario: Scenario, seconds: float, problem: str) -> Result:
    """Return the result of a scenario that could not be followed to its end."""
    first, *more = problem.splitlines() or ["?"]
    return Result(scenario, "?", "?", "not known", seconds, [first], why=more)


def shown(value: Any) -> str:
    """Return a value for people: nothing is `none`, lists and counts are written out."""
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return " + ".join(value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in sorted(value.items())) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
