"""`make explain`: why an event did not arrive, or where: every rule of every bus is asked about it.

Reads only, on any stage.
"""

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workbench.application.interface import application
from workbench.routes.became import became, dead_letters, name_of, trace_of
from workbench.routes.fields import mismatches
from workbench.routes.named import Named, named
from workbench.stages.deployed import DEFAULT_BUS, Deployed
from workbench.stages.errors import UserError, run
from workbench.stages.stage import Stage
from workbench.stages.visible import say

MOST = 4  # fields of a rule that do not match


@dataclass(frozen=True)
class Asked:
    """A rule of a bus, whether it is on, and what keeps it from matching: nothing when it does."""

    bus: str
    name: str
    is_on: bool
    targets: tuple[str, ...]
    against: tuple[str, ...]


def main(arguments: list[str] | None = None) -> int:
    """Explain the event that the command line names; 1 when no rule takes it."""
    parser = argparse.ArgumentParser(prog="make explain", description=__doc__)
    parser.add_argument(
        "--event",
        default=os.environ.get("EVENT"),
        help="a file with an event, a scenario's name, or an object's key (EVENT=…)",
    )
    asked = parser.parse_args(arguments)
    if not asked.event:
        raise UserError(
            "name the event: make explain EVENT=a file, a scenario's name or an object's key"
        )
    deployed = application().deployed.find(Stage.from_environment())
    event = named(deployed, asked.event)
    rules = list(ask(deployed, event.event))
    say(*lines(deployed, event, rules))
    return 0 if any(_takes(rule, event) for rule in rules) else 1


def ask(deployed: Deployed, event: dict[str, Any]) -> Iterator[Asked]:
    """Ask every rule of every bus that has a pattern; each is asked as it is deployed."""
    events, text = deployed.stage.client("events"), json.dumps(event)

    def matches(pattern: dict[str, Any]) -> bool:
        answer = events.test_event_pattern(EventPattern=json.dumps(pattern), Event=text)
        return bool(answer["Result"])

    pages = events.get_paginator("list_rules")
    for bus, bus_name in deployed.buses.items():
        for page in pages.paginate(EventBusName=bus_name, NamePrefix=deployed.rule_prefix):
            for rule in page["Rules"]:
                name = rule["Name"].removeprefix(deployed.rule_prefix)
                if rule.get("EventPattern") and not rule["Name"].startswith(deployed.probe_prefix):
                    against = mismatches(json.loads(rule["EventPattern"]), event, matches)
                    targets = tuple(deployed.targets_of(bus, name))
                    is_on = rule["State"] != "DISABLED"
                    yield Asked(bus, name, is_on, targets, tuple(against))


def lines(deployed: Deployed, event: Named, rules: list[Asked]) -> Iterator[str]:
    """Return what is to be said: of the event, of each rule, and of what became of the event."""
    kind = f"{event.event['detail-type']} from {event.event['source']}"
    where = f"it arrives on the bus {event.bus}" if event.bus else "on whichever bus it is sent to"
    yield f"{event.name}: {kind}; {where}"
    yield from _silent_bucket(deployed, event.event)
    for bus in deployed.buses:
        there = [rule for rule in rules if rule.bus == bus]
        elsewhere = "" if event.bus in (None, bus) else " (the event does not arrive here)"
        yield f"bus {bus}{elsewhere}" + ("" if there else ": no rule")
        for rule in there:
            yield from _of_rule(deployed, rule, 1 if elsewhere else MOST)
    yield "what became of it"
    yield from (f"  {line}" for line in _became(deployed, event, rules))


def _became(deployed: Deployed, event: Named, rules: list[Asked]) -> Iterator[str]:
    takers = [rule for rule in rules if _takes(rule, event)]
    if not takers:
        yield "nothing: no rule that is on takes it there" + _archived(event)
        return
    trace = trace_of(deployed, event)
    yield from trace.notes
    if not trace.signs:
        return
    yield from became(deployed, [arn for rule in takers for arn in rule.targets], trace)
    given_up = list(dead_letters(deployed, trace))
    count = len(deployed.dead_letter_queues)
    yield from given_up or [f"none of the {count} dead-letter queues holds it"]


def _takes(rule: Asked, event: Named) -> bool:
    return rule.is_on and not rule.against and event.bus in (None, rule.bus)


def _of_rule(deployed: Deployed, rule: Asked, most: int) -> Iterator[str]:
    said = "does not match" if rule.against else "matches"
    yield f"  {rule.name:<28} {said}" + ("" if rule.is_on else ", but the rule is switched off")
    yield from (f"      {line}" for line in rule.against[:most])
    if len(rule.against) > most:
        yield f"      (and {len(rule.against) - most} more of its fields)"
    if not rule.against:
        names = [name_of(deployed, arn) for arn in rule.targets]
        yield f"      → {', '.join(names)}" if names else "      it has no target: nothing happens"


def _archived(event: Named) -> str:
    if event.bus in (None, DEFAULT_BUS):
        return ""
    return f"; if the bus {event.bus} has an archive, the event is in it"


def _silent_bucket(deployed: Deployed, event: dict[str, Any]) -> Iterator[str]:
    """Say so where the bucket of an S3 event sends none to EventBridge, or is not there."""
    if event["source"] != "aws.s3":
        return
    name = event.get("detail", {}).get("bucket", {}).get("name", "")
    if name not in deployed.buckets.values():
        own = ", ".join(deployed.buckets.values()) or "it has none"
        yield f"  the bucket {name} is not one of this stage's: {own}"
        return
    found = deployed.stage.client("s3").get_bucket_notification_configuration(Bucket=name)
    if "EventBridgeConfiguration" not in found:
        yield f"  the bucket {name} sends no events: set EventBridgeEnabled: true in the template"


if __name__ == "__main__":
    run(main)
