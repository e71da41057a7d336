"""What moves events on a stage: the buses' archives, their rules, and the schedules."""

from collections.abc import Iterator

from workbench.routes.became import name_of
from workbench.stages.deployed import DEFAULT_BUS, Deployed


def archives(deployed: Deployed) -> Iterator[str]:
    """Return each archive of the application's buses: how many events, and for how long."""
    client = deployed.stage.client("events")
    for bus, name in deployed.buses.items():
        if bus == DEFAULT_BUS:
            continue
        arn = deployed.arn("events", f"event-bus/{name}")
        found = client.list_archives(EventSourceArn=arn)["Archives"]
        if not found:
            yield f"bus {bus}: no archive"
        for one in found:
            days = one.get("RetentionDays") or 0
            kept = f"kept for {days} day{'' if days == 1 else 's'}" if days else "kept for ever"
            yield (
                f"{one['ArchiveName']:<44} {one.get('EventCount', 0):,} events of the bus {bus}, "
                f"{kept}, {one['State'].lower()}"
            )


def rules(deployed: Deployed) -> Iterator[str]:
    """Return each rule of each bus: whether it is on, and what it calls."""
    pages = deployed.stage.client("events").get_paginator("list_rules")
    for bus, name in deployed.buses.items():
        for page in pages.paginate(EventBusName=name, NamePrefix=deployed.rule_prefix):
            for rule in page["Rules"]:
                if rule["Name"].startswith(deployed.probe_prefix):
                    continue
                own = rule["Name"].removeprefix(deployed.rule_prefix)
                targets = [name_of(deployed, arn) for arn in deployed.targets_of(bus, own)]
                called = ", ".join(targets) or "nothing"
                when = f" {rule['ScheduleExpression']}" if rule.get("ScheduleExpression") else ""
                yield f"{own:<28} bus {bus:<10} {_state(rule['State'])}{when}  → {called}"


def schedules(deployed: Deployed) -> Iterator[str]:
    """Return each schedule: when it comes, whether it is on, and what it calls."""
    client = deployed.stage.client("scheduler")
    for part in deployed.parts:
        if part.type != "AWS::Scheduler::Schedule":
            continue
        name = part.identifier.rpartition("/")[2]
        found = client.get_schedule(Name=name)
        zone = found.get("ScheduleExpressionTimezone", "UTC")
        own, when = name.removeprefix(deployed.rule_prefix), found["ScheduleExpression"]
        target = name_of(deployed, found["Target"]["Arn"])
        yield f"{own:<28} {when} ({zone})  {_state(found['State'])}  → {target}"


def _state(state: str) -> str:
    return "off" if state == "DISABLED" else "on"
