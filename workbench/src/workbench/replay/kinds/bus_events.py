"""An event of events/bus: the deployed rules are asked about it, and it may be published."""

import json
import string
import time
import uuid
from pathlib import Path
from typing import Any

import msgspec

from workbench.replay.kinds.aftermath import wait_for_dead_letter, wait_for_log
from workbench.replay.probe import EVENT_LIMIT
from workbench.replay.result import Result, Taken, compare, side_by_side
from workbench.replay.scenarios import Asked, Kind, Scenario, shown
from workbench.replay.session import Session
from workbench.stages.deployed import DEFAULT_BUS, Deployed
from workbench.stages.errors import UserError


class RulesExpected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The deployed rules that must take an event; where it was published, what comes of it.

    `logged` is what a called function must say of it; `dead_letter` the error under which it must
    end in a dead-letter queue.
    """

    rules: tuple[str, ...]
    logged: str | None = None
    dead_letter: str | None = None


class BusEvent(Scenario, frozen=True):
    """An event on a bus: the deployed rules are asked about it, and sometimes it is published."""

    bus: str
    expect: RulesExpected
    publish: bool = False


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bus: str
    expect: RulesExpected
    publish: bool = False


def read(path: Path, said: dict[str, Any]) -> BusEvent:
    """Return the event of a file and its TOML."""
    file = msgspec.convert(said, _File)
    return BusEvent(path, file.bus, file.expect, file.publish)


def play(session: Session, scenario: BusEvent) -> Result:
    """Ask the rules about the event; publish it where its TOML says so, and see what comes."""
    start, deployed = time.monotonic(), session.deployed
    event, unique = _filled(deployed, scenario.path)
    seen = RulesExpected(rules=deployed.rules_for(scenario.bus, event))
    if scenario.publish:
        came = _published(session, scenario, event, unique, seen.rules)
        seen = msgspec.structs.replace(came, rules=seen.rules)
    asked = f"asked the rules of the {scenario.bus} bus"
    return Result(
        scenario,
        " + ".join(seen.rules) or "none",
        f"published on the {scenario.bus} bus" if scenario.publish else asked,
        seen.dead_letter or seen.logged or ("matched" if seen.rules else "ignored"),
        time.monotonic() - start,
        compare(scenario.expect, seen),
        fields=side_by_side(scenario.expect, seen),
        events=(Taken(scenario.bus, event, seen.rules),),
    )


def asked(deployed: Deployed, scenario: BusEvent) -> Asked:
    """Return the event, and the rules that must take it."""
    return filled_in(deployed, scenario.path), scenario.expect.rules


KIND = Kind(read, play, asked)


def filled_in(deployed: Deployed, path: Path) -> dict[str, Any]:
    """Return an event of events/ with the stage's own names in it, and an id for `${unique}`.

    Raises UserError when it does not read.
    """
    return _filled(deployed, path)[0]


def _filled(deployed: Deployed, path: Path) -> tuple[dict[str, Any], str]:
    names = {
        **deployed.bucket_names,
        "account": deployed.account,
        "region": deployed.stage.region,
        "stage": deployed.stage.name,
        "unique": uuid.uuid4().hex[:24],
    }
    try:
        text = string.Template(path.read_text(encoding="utf-8")).substitute(names)
        return msgspec.json.decode(text, type=dict[str, Any]), names["unique"]
    except KeyError as error:
        known = ", ".join(f"${{{name}}}" for name in names)
        raise UserError(f"{shown(path)} has ${{{error.args[0]}}}; there are {known}") from None
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise UserError(f"{shown(path)} is not an event: {error}") from None


def _published(
    session: Session,
    scenario: BusEvent,
    event: dict[str, Any],
    unique: str,
    rules: tuple[str, ...],
) -> RulesExpected:
    """Return what came of an event that was published on its bus; its rules aside."""
    since, deployed = time.time() - 1, session.deployed
    answer = deployed.stage.client("events").put_events(
        Entries=[
            {
                "EventBusName": deployed.bus_name(scenario.bus),
                "Source": event["source"],
                "DetailType": event["detail-type"],
                "Detail": json.dumps(event["detail"]),
            }
        ]
    )
    if answer["FailedEntryCount"]:
        raise UserError(f"the bus refused it: {answer['Entries'][0].get('ErrorCode')}")
    event_id = answer["Entries"][0]["EventId"]
    if scenario.bus != DEFAULT_BUS and not session.probe.wait_for(
        lambda came: bool(came["id"] == event_id), EVENT_LIMIT
    ):
        raise UserError(f"what was published did not come over the bus in {EVENT_LIMIT:.0f} s")
    logged = dead_letter = None
    if scenario.expect.logged is not None:
        functions = _functions(deployed, scenario.bus, rules)
        said = wait_for_log(deployed, functions, unique, scenario.expect.logged, since)
        logged = scenario.expect.logged if said else None
    if scenario.expect.dead_letter is not None:
        dead_letter = wait_for_dead_letter(deployed, event_id)
    return RulesExpected((), logged, dead_letter)


def _functions(deployed: Deployed, bus: str, rules: tuple[str, ...]) -> list[str]:
    """Return the functions that these rules call, by their names without the stage."""
    arns = [arn for rule in rules for arn in deployed.targets_of(bus, rule)]
    names = [arn.rpartition(":function:")[2] for arn in arns if ":function:" in arn]
    return [name.removeprefix(deployed.rule_prefix) for name in names]
