"""The functions' fixtures: `events/functions/<Function>/<scenario>.json`, each with its TOML.

The JSON is the event as the service sends it; the TOML of the same name says what must be there
before (`[given]`) and what must come back (`[expect]`: a payload, or an error's type).
"""

import difflib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from workbench.application.interface import application
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT

FUNCTIONS = ROOT / "events" / "functions"
ANYTHING = "*"  # in an expected payload: any text or number


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is there before the call: objects in the stage's bucket, by key; an application adds.

    `secret` names one of the stage's secrets; its ARN and its version go into the event.
    """

    secret: str | None = None
    objects: dict[str, str] = {}


class Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What comes back: a payload (fields that are null are left out), or an error's type."""

    payload: dict[str, Any] | None = None
    error_type: str | None = msgspec.field(default=None, name="errorType")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    expect: Expect
    given: dict[str, Any] = {}
    schedule: str | None = None  # of interest to `make replay`
    rules: tuple[str, ...] | None = None  # of an event of a bus: those that take it


class Fixture(msgspec.Struct, frozen=True):
    """One call of one function; what is `given` is of the application's own form."""

    function: str
    path: Path
    given: Any
    expect: Expect
    has_expectation: bool = True  # False for an event of the user's own, without a TOML
    rules: tuple[str, ...] | None = None  # the rules that take it, when it is an event of a bus

    @property
    def name(self) -> str:
        """What the scenario is called."""
        return self.path.stem

    @property
    def fails(self) -> bool:
        """Whether the handler must fail."""
        return self.expect.error_type is not None

    @property
    def event(self) -> Any:
        """The event as it stands in the file."""
        return read_json(self.path)


@dataclass(frozen=True)
class Prepared:
    """A call that can be made: the event, and what must come back, with all ids filled in."""

    fixture: Fixture
    event: Any
    expect: Expect


def read_json(path: Path) -> Any:
    """The content of a JSON file; UserError when it does not read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{shown(path)} is not valid JSON: {error}") from None


def read_event(function: str, path: Path) -> Fixture:
    """A call of `function` with the event in a file, which need be no fixture.

    Raises UserError when it does not read, or is a fixture of another function.
    """
    if not path.is_relative_to(FUNCTIONS):
        read_json(path)
        return Fixture(function, path, application().given(), Expect(), has_expectation=False)
    if path.parent.name != function:
        raise UserError(f"{shown(path)} is an event of {path.parent.name}, not of {function}")
    return read_fixture(path)


def read_fixture(path: Path) -> Fixture:
    """The fixture of an event's file. Raises UserError when it or its TOML does not read."""
    toml = path.with_suffix(".toml")
    try:
        file = msgspec.convert(tomllib.loads(toml.read_text(encoding="utf-8")), _File)
        given = msgspec.convert(file.given, application().given)
    except FileNotFoundError:
        raise UserError(
            f"{shown(path)} has no {toml.name} that says what is expected back"
        ) from None
    except (ValueError, msgspec.ValidationError) as error:
        raise UserError(f"{shown(toml)}: {error}") from None
    if (file.expect.payload is None) == (file.expect.error_type is None):
        raise UserError(f"{shown(toml)}: [expect] must have either payload or errorType")
    read_json(path)
    return Fixture(path.parent.name, path, given, file.expect, rules=file.rules)


def all_fixtures() -> list[Fixture]:
    """Every fixture of every function, in a set order."""
    return [read_fixture(path) for path in sorted(FUNCTIONS.glob("*/*.json"))]


def find_function(name: str) -> str:
    """The function of that name; UserError with the nearest names when there is none."""
    known = sorted({path.parent.name for path in FUNCTIONS.glob("*/*.json")})
    if name in known:
        return name
    raise UserError(f"there is no function {name!r}; {_nearest(name, known)}")


def find_event(function: str, named: str) -> Path:
    """The file of an event: a path, or the name of a scenario of the function.

    Raises UserError with the nearest names when there is none.
    """
    folder = FUNCTIONS / function
    for path in (Path(named), folder / named, folder / f"{named}.json"):
        if path.is_file():
            return path.resolve()
    known = sorted(path.stem for path in folder.glob("*.json"))
    raise UserError(
        f"there is no event {named!r} of {function}; {_nearest(Path(named).stem, known)}"
    )


def differences(expect: Expect, payload: Any) -> list[str]:
    """How a payload differs from what was expected: one line each, none when it does not."""
    if expect.payload is None:
        found = payload.get("errorType") if isinstance(payload, dict) else None
        if found == expect.error_type:
            return []
        return [f"expected {expect.error_type or 'no error'}, got {found or json.dumps(payload)}"]
    if isinstance(payload, dict) and "errorType" in payload:
        return [f"failed: {payload['errorType']}: {payload.get('errorMessage')}"]
    return _compare("", expect.payload, _without_nulls(payload))


def _compare(where: str, expected: Any, found: Any) -> list[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            line
            for name in dict.fromkeys([*expected, *found])
            for line in _compare(f"{where}.{name}".lstrip("."), expected.get(name), found.get(name))
        ]
    if expected == found or (expected == ANYTHING and isinstance(found, str | int | float)):
        return []
    return [f"{where or 'payload'}: expected {json.dumps(expected)}, got {json.dumps(found)}"]


def _without_nulls(value: Any) -> Any:
    """TOML has no null: a field that is null counts as left out."""
    if isinstance(value, dict):
        return {name: _without_nulls(field) for name, field in value.items() if field is not None}
    return value


def _nearest(name: str, known: list[str]) -> str:
    lower = {one.lower(): one for one in known}
    close = difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.4)
    names = [lower[one] for one in close] or known
    return f"the nearest: {', '.join(names)}" if close else f"there are: {', '.join(names)}"


def shown(path: Path) -> str:
    """A path as a person would write it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
