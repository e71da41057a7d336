"""The workflow's definition as plain data."""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from workbench.deployment import outline
from workbench.stages.errors import UserError

type State = dict[str, Any]


def load(path: Path) -> dict[str, Any]:
    """Return the definition in a file, substitutions not filled in.

    Raises UserError when the file is missing, is not valid YAML, or describes no states.
    """
    return parsed(read(path), path.name)


def load_all() -> dict[str, dict[str, Any]]:
    """Return the definition of each state machine of the template, by its logical id.

    Raises UserError as `load` and `outline.definitions` do.
    """
    return {name: load(path) for name, path in outline.definitions().items()}


def read(path: Path) -> str:
    """A source's text; UserError when there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path.name} cannot be read: it is not UTF-8 text") from None


def parsed(text: str, name: str) -> dict[str, Any]:
    """A definition's text as data that has the form of a state machine; `name` is the file's."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        why = " ".join(str(error).split())
        raise UserError(f"{name} is not valid YAML: {why}") from None
    problem = _not_a_machine(found)
    if problem:
        raise UserError(f"{name} describes no state machine: {problem}")
    return found  # type: ignore[no-any-return]


def _not_a_machine(found: Any) -> str | None:
    """What lacks, in words; everything else about a definition is the linters' to check."""
    if not isinstance(found, dict) or not isinstance(found.get("States"), dict):
        return "it has no States"
    if not isinstance(found.get("StartAt"), str):
        return "it has no StartAt"
    for name, state in found["States"].items():
        if not isinstance(state, dict) or not isinstance(state.get("Type"), str):
            return f"state {name} has no Type"
        for field in ("Choices", "Catch", "Retry", "Branches"):
            entries = state.get(field, [])
            if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
                return f"{field} of state {name} is not a list of objects"
        for field in ("Choices", "Catch"):
            if not all(isinstance(one.get("Next"), str) for one in state.get(field, [])):
                return f"{field} of state {name} has an entry without Next"
        for inner in [*state.get("Branches", []), state.get("ItemProcessor")]:
            problem = _not_a_machine(inner) if inner else None
            if problem:
                return f"inside state {name}: {problem}"
    return _leads_nowhere(found)


def _leads_nowhere(machine: dict[str, Any]) -> str | None:
    """Whether an arrow leads to no state: then there is nothing to list, run or check."""
    arrows = [("StartAt", machine["StartAt"])]
    for name, state in machine["States"].items():
        ways = [state.get("Next"), state.get("Default")]
        ways += [each["Next"] for field in ("Choices", "Catch") for each in state.get(field, [])]
        arrows += [(f"state {name}", way) for way in ways if way is not None]
    for where, way in arrows:
        if way not in machine["States"]:
            close = difflib.get_close_matches(str(way), machine["States"], 1)
            meant = f"; did you mean {close[0]}?" if close else ""
            return f"{where} leads to {way}, and no state beside it has this name{meant}"
    return None


def machines(machine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The machine itself, and those in its Parallel branches and Map items."""
    yield machine
    for state in machine["States"].values():
        for inner in [*state.get("Branches", []), state.get("ItemProcessor")]:
            if inner:
                yield from machines(inner)


def states(definition: dict[str, Any]) -> dict[str, State]:
    """All states by name, those in branches and items too: names are unique in a definition."""
    return {name: state for one in machines(definition) for name, state in one["States"].items()}
