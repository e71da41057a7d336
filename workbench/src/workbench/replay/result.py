"""What replaying a scenario gave, and how that is compared with what was expected."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from workbench.replay.scenarios import Scenario


@dataclass(frozen=True)
class Result:
    """One scenario after its replay; as expected when there are no `differences`.

    `path` says which way it took; `seen` and `subject` are what its kind has observed, and of what.
    """

    scenario: Scenario
    rule: str
    path: str
    outcome: str
    seconds: float
    differences: list[str] = field(default_factory=list)
    seen: Any = None
    subject: str | None = None

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


def failed(scenario: Scenario, seconds: float, problem: str) -> Result:
    """Return the result of a scenario that could not be followed to its end."""
    return Result(scenario, "?", "?", "not known", seconds, [problem])


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
