"""Which events the deployed rules are asked about, and what is expected of each."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from workbench.replay.kinds.bus_events import filled_in
from workbench.replay.scenarios import EVENTS, find_scenarios, kind_of, kinds
from workbench.sam_local.fixtures import all_fixtures
from workbench.stages.deployed import Deployed
from workbench.stages.errors import UserError
from workbench.stages.stage import LOCAL_ACCOUNT, LOCAL_REGION, Stage

AWS_EVENTS = EVENTS / "aws"
EXPECTED_RULES = AWS_EVENTS / "expected.yaml"


@dataclass(frozen=True)
class Question:
    """An event, and the names of the rules that must take it: all others must not."""

    name: str
    event: dict[str, Any]
    expected: tuple[str, ...]


def scenarios(deployed: Deployed) -> Iterator[Question]:
    """Every scenario of events/ that an event starts, as AWS would send it."""
    folders = [EVENTS / name for name in (*kinds(), "faults") if (EVENTS / name).is_dir()]
    for one in find_scenarios(_with_scenarios(folders)):
        if asked := kind_of(one).asked(deployed, one):
            event, rules = asked
            yield Question(f"{one.path.parent.name}/{one.name}", event, rules)


def _with_scenarios(folders: list[Path]) -> list[Path]:
    return [folder for folder in dict.fromkeys(folders) if any(folder.rglob("*.toml"))]


def function_events(deployed: Deployed) -> Iterator[Question]:
    """Every fixture of a function that is an event of a bus; they are the stage `local`'s."""
    names = {
        LOCAL_ACCOUNT: deployed.account,
        LOCAL_REGION: deployed.stage.region,
        Stage("local").prefix: deployed.stage.prefix,
    }
    for one in all_fixtures():
        if one.rules is not None:
            text = one.path.read_text(encoding="utf-8")
            for local, own in names.items():
                text = text.replace(local, own)
            yield Question(f"functions/{one.function}/{one.name}", json.loads(text), one.rules)


def aws_events(deployed: Deployed) -> Iterator[Question]:
    """What AWS's services send by themselves, in the shapes that their documentation shows."""
    for name, rules in read_expected().items():
        event = filled_in(deployed, AWS_EVENTS / f"{name}.json")
        yield Question(f"aws/{name}", event, tuple(rules))


def read_expected(path: Path = EXPECTED_RULES) -> dict[str, list[str]]:
    """The rules expected for each of AWS's events; UserError when the file does not say so."""
    if not path.parent.is_dir():
        return {}
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict) or not all(isinstance(each, list) for each in found.values()):
        raise UserError(f"{path.name} must have a list of rules for each event")
    return found


def changed(question: Question, path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The question's event with one field changed; `...` takes the field away."""
    event = copy.deepcopy(question.event)
    inside = event
    for name in path[:-1]:
        inside = inside[name]
    if value is ...:
        inside.pop(path[-1], None)
    else:
        inside[path[-1]] = value
    return event
