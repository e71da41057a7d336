"""The event that a command names: a file with one, a scenario of events/, or an object."""

import difflib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.replay.scenarios import EVENTS, kind_of, read_scenario
from workbench.routes.questions import aws_events, function_events, scenarios
from workbench.stages.deployed import DEFAULT_BUS, Deployed
from workbench.stages.errors import UserError

# The fields that EventBridge asks an event for, when it is shown to a pattern.
NEEDED = ("id", "account", "source", "time", "region", "resources", "detail-type")
_ENTRY = {"Source": "source", "DetailType": "detail-type", "Detail": "detail"}
_ANY = {
    "id": "00000000-0000-0000-0000-000000000000",
    "time": "2010-12-31T12:00:00Z",
    "resources": [],
    "version": "0",
}


@dataclass(frozen=True)
class Named:
    """An event, what it is called, and the bus on which it arrives; None where that is not known.

    `is_made` says that its id is not that of an event which was sent.
    """

    name: str
    event: dict[str, Any]
    bus: str | None
    is_made: bool = True


def named(deployed: Deployed, name: str) -> Named:
    """Return the event of a file, of the scenario of that name, or of the object of that key.

    Raises UserError when there is none, or when the file is not an event.
    """
    path = Path(name)
    if path.is_file():
        return _of_file(deployed, path.resolve())
    asked = [
        question for make in (scenarios, function_events, aws_events) for question in make(deployed)
    ]
    found = [one for one in asked if name in (one.name, one.name.rpartition("/")[2])]
    if not found and (thing := _of_object(deployed, name)):
        return thing
    if not found:
        ends = sorted({one.name.rpartition("/")[2] for one in asked})
        near = difflib.get_close_matches(name.rpartition("/")[2], ends)
        hint = f"did you mean {' or '.join(near)}?" if near else "make routes lists all of them"
        raise UserError(
            f"EVENT={name} is not a file, a scenario of events/ or an object's key; {hint}"
        )
    if len(found) > 1:
        raise UserError(f"EVENT={name} may be {' or '.join(one.name for one in found)}; name one")
    (question,) = found
    buses = {rule.bus for rule in deployed.rules if rule.name in question.expected}
    bus = next(iter(buses)) if len(buses) == 1 else None
    return Named(question.name, question.event, bus or _of_source(question.event))


def _of_object(deployed: Deployed, key: str) -> Named | None:
    """Return the event that S3 has sent of an object; None where no bucket has it."""
    for bucket in deployed.buckets.values():
        found = deployed.stage.client("s3").list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        for one in found.get("Contents", []):
            if one["Key"] == key:
                event = deployed.object_created(bucket, key, one["Size"])
                return Named(key, event, DEFAULT_BUS)
    return None


def _of_file(deployed: Deployed, path: Path) -> Named:
    if path.is_relative_to(EVENTS) and path.with_suffix(".toml").is_file():
        scenario = read_scenario(path)
        asked = kind_of(scenario).asked(deployed, scenario)
        if asked is not None:
            event, _ = asked
            bus = getattr(scenario, "bus", None)
            return Named(scenario.title, event, bus or _of_source(event))
    return _of_json(deployed, path)


def _of_json(deployed: Deployed, path: Path) -> Named:
    """Return the event of a JSON file; an entry of PutEvents becomes the event that it makes."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path.name} is not an event, which is JSON: {error}") from None
    if isinstance(said, dict) and isinstance(said.get("Entries"), list) and said["Entries"]:
        said = said["Entries"][0]
    if isinstance(said, list) and said:
        said = said[0]
    if not isinstance(said, dict):
        raise UserError(f"{path.name} is not an event: write a JSON object with source, detail …")
    bus = None
    if "DetailType" in said or "Source" in said:
        bus = _bus_named(deployed, str(said.get("EventBusName", DEFAULT_BUS)))
        said = {_ENTRY.get(name, name): value for name, value in said.items()}
        if isinstance(said.get("detail"), str):
            said["detail"] = json.loads(said["detail"])
    place = {"account": deployed.account, "region": deployed.stage.region}
    is_made = "id" not in said
    event = _ANY | place | said
    if missing := [field for field in NEEDED if field not in event]:
        raise UserError(f"{path.name} is not an event: it has no {' and no '.join(missing)}")
    return Named(path.name, event, bus or _of_source(event), is_made)


def _bus_named(deployed: Deployed, name: str) -> str | None:
    """Return what the application calls a bus of that name or ARN."""
    plain = name.rpartition("/")[2]
    return next((bus for bus, own in deployed.buses.items() if plain in (bus, own)), None)


def _of_source(event: dict[str, Any]) -> str | None:
    """Return the bus on which AWS's own services send."""
    return DEFAULT_BUS if str(event.get("source", "")).startswith("aws.") else None
