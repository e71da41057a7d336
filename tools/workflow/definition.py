"""The workflow's definition as plain data."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tools.errors import UserError
from tools.stage import ROOT

DEFINITION = ROOT / "statemachine" / "order_intake.asl.yaml"

type State = dict[str, Any]


def load(path: Path = DEFINITION) -> dict[str, Any]:
    """The definition, substitutions not filled in.

    Raises UserError when the file is missing, is no YAML, or describes no states.
    """
    try:
        found = yaml.safe_load(path.read_text())
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        told = " ".join(str(error).split())
        raise UserError(f"{path.name} is no YAML: {told}") from None
    if not isinstance(found, dict) or not isinstance(found.get("States"), dict):
        raise UserError(f"{path.name} describes no state machine: it has no States")
    for machine in machines(found):
        for name, state in machine["States"].items():
            if not isinstance(state, dict) or "Type" not in state:
                raise UserError(f"{path.name}: state {name} has no Type")
    return found


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
