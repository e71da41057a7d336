"""Letting an event of events/bus happen: the deployed rules are asked, and it may be published."""

import json
import string
import time
import uuid
from pathlib import Path
from typing import Any

import msgspec

from workbench.replay.aftermath import wait_for_dead_letter, wait_for_log
from workbench.replay.probe import EVENT_LIMIT, Probe
from workbench.replay.result import Result, came_in, compare
from workbench.replay.situations import BusEvent, RulesExpected, shown
from workbench.stages.deployed import Deployed
from workbench.stages.errors import UserError


def play_bus_event(deployed: Deployed, probe: Probe, situation: BusEvent) -> Result:
    """Ask the rules about the event; publish it where its TOML says so, and see what comes."""
    start = time.monotonic()
    event = filled_in(deployed, situation.path)
    seen = RulesExpected(rules=deployed.rules_for(situation.bus, event))
    if situation.publish:
        came = _published(deployed, probe, event, situation.expect)
        seen = msgspec.structs.replace(came, rules=seen.rules)
    asked = f"asked the rules of the {situation.bus} bus"
    return Result(
        situation,
        came_in(situation),
        " + ".join(seen.rules) or "none",
        f"published on the {situation.bus} bus" if situation.publish else asked,
        seen.dead_letter or seen.logged or ("matched" if seen.rules else "ignored"),
        time.monotonic() - start,
        compare(situation.expect, seen),
    )


def filled_in(deployed: Deployed, path: Path) -> dict[str, Any]:
    """An event of events/ with the stage's own names in it, and an id for `${unique}`.

    Raises UserError when it does not read.
    """
    names = {
        "uploads_bucket": deployed.bucket,
        "account": deployed.account,
        "region": deployed.stage.region,
        "stage": deployed.stage.name,
        "unique": uuid.uuid4().hex[:24],
    }
    try:
        text = string.Template(path.read_text(encoding="utf-8")).substitute(names)
        return msgspec.json.decode(text, type=dict[str, Any])
    except KeyError as error:
        known = ", ".join(f"${{{name}}}" for name in names)
        raise UserError(f"{shown(path)} has ${{{error.args[0]}}}; there are {known}") from None
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise UserError(f"{shown(path)} is not an event: {error}") from None


def _published(
    deployed: Deployed, probe: Probe, event: dict[str, Any], expected: RulesExpected
) -> RulesExpected:
    """What came of an event that was published on the orders bus; its rules aside."""
    since = time.time() - 1
    answer = deployed.stage.client("events").put_events(
        Entries=[
            {
                "EventBusName": deployed.orders_bus,
                "Source": event["source"],
                "DetailType": event["detail-type"],
                "Detail": json.dumps(event["detail"]),
            }
        ]
    )
    if answer["FailedEntryCount"]:
        raise UserError(f"the bus refused it: {answer['Entries'][0].get('ErrorCode')}")
    event_id = answer["Entries"][0]["EventId"]
    if not probe.wait_for(lambda came: bool(came["id"] == event_id), EVENT_LIMIT):
        raise UserError(f"what was published did not come over the bus in {EVENT_LIMIT:.0f} s")
    logged = dead_letter = None
    if expected.logged is not None:
        file_id, function = event["detail"]["file_id"], FUNCTIONS[event["detail-type"]]
        said = wait_for_log(deployed, function, file_id, expected.logged, since)
        logged = expected.logged if said else None
    if expected.dead_letter is not None:
        dead_letter = wait_for_dead_letter(deployed, event_id)
    return RulesExpected((), logged, dead_letter)


# Who says in its log what came of an event.
FUNCTIONS = {"ApprovalDecided": "DecideApproval"}
