"""`make replay-archive`: deliver a bus's archived events of some time once more, to chosen rules.

By default to those that the application names: their receivers know an event again.
"""

import argparse
import os
from datetime import UTC, datetime
from typing import Any

from workbench.application.interface import application
from workbench.stages.deployed import DEFAULT_BUS, Deployed
from workbench.stages.errors import UserError, run
from workbench.stages.stage import Stage
from workbench.stages.visible import say
from workbench.stages.waiting import within

LIMIT = 3600.0  # seconds; AWS replays minute by minute
PAUSE = 1.0


def moment(name: str, text: str | None) -> datetime:
    """The time that `text` says, UTC unless it names a zone; UserError naming the setting."""
    try:
        value = datetime.fromisoformat(text or "")
    except ValueError:
        raise UserError(
            f"{name}={text or ''} is not a time; write FROM=2026-03-02 TO=2026-03-02T12:30 (UTC)"
        ) from None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def chosen_rules(deployed: Deployed, names: str) -> tuple[str, list[str]]:
    """Return the bus that all rules of these names are on, by its name, and the rules' ARNs.

    Raises UserError for a name that no rule of an archived bus has, and for rules of several buses.
    """
    known = {rule.name: rule.bus for rule in deployed.rules if rule.bus != DEFAULT_BUS}
    asked = [name for name in names.replace(",", " ").split() if name]
    if not asked or not set(asked) <= set(known):
        raise UserError(
            f"RULES={names}: the rules of archived buses are {', '.join(sorted(known))}"
        )
    buses = {known[name] for name in asked}
    if len(buses) > 1:
        raise UserError(f"RULES={names}: these are on several buses: {', '.join(sorted(buses))}")
    bus, prefix = deployed.bus_name(buses.pop()), deployed.rule_prefix
    return bus, [deployed.arn("events", f"rule/{bus}/{prefix}{name}") for name in asked]


def replay_archive(
    deployed: Deployed, since: datetime, until: datetime, rules: str
) -> dict[str, Any]:
    """Start a replay and wait for its end; DescribeReplay's last answer.

    Raises UserError when the window is empty, or when the replay fails or takes over an hour.
    """
    if since >= until:
        raise UserError(f"FROM={since.isoformat()} is not before TO={until.isoformat()}")
    bus, arns = chosen_rules(deployed, rules)
    return deliver(deployed, bus, since, until, arns)


def deliver(
    deployed: Deployed, bus: str, since: datetime, until: datetime, arns: list[str]
) -> dict[str, Any]:
    """Deliver what the archive of a bus has to the rules of these ARNs only, as `replay_archive`.

    The archive has its bus's name.
    """
    events = deployed.stage.client("events")
    name = f"{deployed.stage.prefix}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    events.start_replay(
        ReplayName=name,
        EventSourceArn=deployed.arn("events", f"archive/{bus}"),
        EventStartTime=since,
        EventEndTime=until,
        Destination={"Arn": deployed.arn("events", f"event-bus/{bus}"), "FilterArns": arns},
    )

    def completed() -> dict[str, Any] | None:
        answer: dict[str, Any] = events.describe_replay(ReplayName=name)
        if answer["State"] in ("FAILED", "CANCELLED", "CANCELLING"):
            why = answer.get("StateReason", "no reason given")
            raise UserError(f"the replay {name} is {answer['State']}: {why}")
        return answer if answer["State"] == "COMPLETED" else None

    if answer := within(LIMIT, completed, PAUSE):
        return answer
    raise UserError(f"the replay {name} is not completed after {LIMIT:.0f} s")


def main(arguments: list[str] | None = None) -> int:
    """Replay what the command line names."""
    parser = argparse.ArgumentParser(prog="make replay-archive", description=__doc__)
    setting = os.environ.get
    parser.add_argument("--from", dest="since", default=setting("FROM"), help="FROM=, in UTC")
    parser.add_argument("--to", dest="until", default=setting("TO"), help="TO=, in UTC")
    usual = ",".join(application().replayed_rules)
    parser.add_argument("--rules", default=setting("RULES") or usual, help=f"RULES={usual}")
    asked = parser.parse_args(arguments)
    since, until = moment("FROM", asked.since), moment("TO", asked.until)
    answer = replay_archive(Deployed.find(Stage.from_environment()), since, until, asked.rules)
    say(f"replayed {since.isoformat()} to {until.isoformat()} to {asked.rules}: done")
    say(f"the replay is {answer['ReplayName']}")
    return 0


if __name__ == "__main__":
    run(main)
