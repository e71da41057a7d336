"""What can happen: the scenarios below events/, each with what is expected of it.

A scenario is a file (what happens) and a TOML file of the same stem (what must come of it). The
folder below events/ says what kind it is; `events/README.md` explains every field. `faults/` takes
its time and the local cloud alone: it is left out unless it is named.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.application.interface import application
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT

if TYPE_CHECKING:
    from workbench.replay.result import Result
    from workbench.stages.deployed import Deployed

EVENTS = ROOT / "events"
FAULTS = EVENTS / "faults"


class Scenario(msgspec.Struct, frozen=True):
    """What every scenario has: the file that says what happens."""

    path: Path

    @property
    def name(self) -> str:
        """What the scenario is called: its file's stem."""
        return self.path.stem

    @property
    def title(self) -> str:
        """What happens, in a few words."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def is_local_only(self) -> bool:
        """Whether it takes what only the local cloud can do: let time pass, or break."""
        return False

    @property
    def disturbs(self) -> bool:
        """Whether it would change what comes of others beside it."""
        return False

    @property
    def comes_last(self) -> bool:
        """Whether it is about what the other scenarios have left."""
        return False


type Asked = tuple[dict[str, Any], tuple[str, ...]]
"""An event that rules can be asked about, and the rules that must take it."""


def asks_nothing(_deployed: "Deployed", _scenario: Any) -> Asked | None:
    """Return None: no rule is asked about such a scenario."""
    return None


@dataclass(frozen=True)
class Kind:
    """The scenarios of a folder below events/: how they are read, played, and asked about.

    `read` gets the file and its TOML's content, and raises msgspec.ValidationError or ValueError.
    `play` gets the application's session and the scenario.
    `asked` returns the event that starts it, and the rules that take it; None without one.
    """

    read: Callable[[Path, dict[str, Any]], Scenario]
    play: "Callable[[Any, Any], Result]"
    asked: "Callable[[Deployed, Any], Asked | None]" = asks_nothing


def kinds() -> Mapping[str, Kind]:
    """Return the kinds by their folders: the workbench's own, then the application's."""
    from workbench.replay.kinds import bus_events, schedules, uploads

    own = {"bus": bus_events.KIND, "functions": schedules.KIND, "uploads": uploads.KIND}
    return own | dict(application().kinds())


def kind_of(scenario: Scenario) -> Kind:
    """Return the kind of a scenario, by its folder."""
    return kinds()[_folder(scenario.path)]


def _folder(path: Path) -> str:
    return path.relative_to(EVENTS).parts[0]


def read_scenario(path: Path) -> Scenario:
    """Return the scenario that `path` (what happens, or its TOML) and its TOML describe.

    Raises UserError when one of the two is missing, the TOML does not read, or the folder is not
    one of scenarios.
    """
    happening = _happening(path)
    toml = happening.with_suffix(".toml")
    known = kinds()
    kind = known.get(_folder(happening))
    if kind is None:
        raise UserError(f"{shown(happening)}: scenarios lie below events/: {', '.join(known)}")
    try:
        return kind.read(happening, tomllib.loads(toml.read_text(encoding="utf-8")))
    except (ValueError, msgspec.ValidationError) as error:
        raise UserError(f"{shown(toml)}: {error}") from None


def find_scenarios(paths: list[Path]) -> list[Scenario]:
    """Return all scenarios of the files and folders named, in a set order.

    When none is named: all of events/ but faults/.

    Raises UserError for a path that is not there, lies outside events/, or holds no scenario.
    """
    found: set[Path] = set()
    for path in paths:
        found |= _below(path.resolve())
    if not paths and not EVENTS.is_dir():
        raise UserError(
            f"there is no {EVENTS.name}/; write a scenario below it: a file that says what "
            "happens, for example events/uploads/one.txt, and its .toml"
        )
    if not paths:
        found = {path for path in _below(EVENTS) if not path.is_relative_to(FAULTS)}
    return [read_scenario(path) for path in sorted(found)]


def _below(path: Path) -> set[Path]:
    if not path.exists():
        raise UserError(f"no such file or folder: {path}")
    if not path.is_relative_to(EVENTS):
        raise UserError(f"{path} is not below events/; {application().hint_for_own_files}")
    if path.is_file():
        return {_happening(path)}
    below = {_happening(toml) for toml in path.rglob("*.toml") if is_scenario(toml)}
    if not below:
        raise UserError(f"no scenario below {path}: a scenario is a file and its .toml")
    return below


def is_scenario(path: Path) -> bool:
    """Return whether `make replay` plays a file; most calls of functions are for `sam local`."""
    toml = path.with_suffix(".toml")
    if not (path.is_relative_to(EVENTS) and toml.is_file()):
        return False
    lines = toml.read_text(encoding="utf-8", errors="replace").splitlines()
    return not toml.is_relative_to(EVENTS / "functions") or any(
        line.startswith("schedule") for line in lines
    )


def _happening(path: Path) -> Path:
    """Return the file that says what happens, for itself or for its TOML."""
    if path.suffix != ".toml":
        if not path.with_suffix(".toml").is_file():
            raise UserError(f"{shown(path)} has no {path.stem}.toml with its expected outcome")
        return path
    beside = sorted(p for p in path.parent.glob(f"{path.stem}.*") if p.suffix != ".toml")
    if len(beside) != 1:
        raise UserError(f"{shown(path)} must have exactly one file {path.stem}.* beside it")
    return beside[0]


def shown(path: Path) -> str:
    """Return a path as a person would write it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
