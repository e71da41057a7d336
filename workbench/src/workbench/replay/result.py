"""What replaying a situation gave, and how that is compared with what was expected."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from workbench.replay.situations import Situation, Upload, UploadOutcome


@dataclass(frozen=True)
class Result:
    """One situation after its replay; as expected when there are no `differences`.

    `came_in` says what happened, `path` which way it took; `seen` and `file_id` are an upload's.
    """

    situation: Situation
    came_in: str
    rule: str
    path: str
    outcome: str
    seconds: float
    differences: list[str] = field(default_factory=list)
    seen: UploadOutcome | None = None
    file_id: str | None = None

    @property
    def as_expected(self) -> bool:
        """Whether everything came as expected."""
        return not self.differences


def compare(expected: msgspec.Struct, seen: msgspec.Struct) -> list[str]:
    """Every field in which `seen` is not what was `expected`, as a line for people."""
    wanted, got = msgspec.structs.asdict(expected), msgspec.structs.asdict(seen)
    return [
        f"{name}: expected {shown(wanted[name])}, got {shown(got[name])}"
        for name in wanted
        if wanted[name] != got[name]
    ]


def on_stage_without_database(expected: UploadOutcome) -> UploadOutcome:
    """What is expected, for a stage that has no database: nothing can be loaded there."""
    return msgspec.structs.replace(expected, loaded=False)


def failed(situation: Situation, seconds: float, problem: str) -> Result:
    """The result of a situation that could not be followed to its end."""
    return Result(situation, came_in(situation), "?", "?", "not known", seconds, [problem])


def came_in(situation: Situation) -> str:
    """What happened, in a few words."""
    if isinstance(situation, Upload):
        size = len(situation.content)
        return f"{situation.key.removeprefix('incoming/')} ({size:,} bytes)"
    return f"{situation.path.parent.name}/{situation.path.name}"


def shown(value: Any) -> str:
    """A value for people: nothing is `none`, lists and counts are written out."""
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return " + ".join(value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in sorted(value.items())) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
