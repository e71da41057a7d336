"""A schedule's time has come: its target is called as EventBridge Scheduler would call it."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from workbench.replay.result import Result
from workbench.replay.scenarios import Kind, Scenario
from workbench.replay.session import Session
from workbench.sam_local import fixtures
from workbench.stages.deployed import Deployed
from workbench.stages.errors import UserError


class ScheduledCall(Scenario, frozen=True):
    """A fixture of a function that a schedule calls: what it sends, and what comes back."""

    schedule: str

    @property
    def comes_last(self) -> bool:
        """Whether it is about what the other scenarios have left: always."""
        return True


class _File(msgspec.Struct, frozen=True):
    """What of a function's fixture matters here; sam_local/fixtures.py reads all of it."""

    schedule: str


def read(path: Path, said: dict[str, Any]) -> ScheduledCall:
    """Return the call of a function's fixture."""
    return ScheduledCall(path, msgspec.convert(said, _File).schedule)


def play(session: Session, scenario: ScheduledCall) -> Result:
    """Call the schedule's target with what the schedule sends; compare both with the fixture."""
    start = time.monotonic()
    sent, answer = call_schedule(session.deployed, scenario.schedule)
    problems = differences_of_input(scenario, sent)
    expect = fixtures.read_fixture(scenario.path).expect
    problems += fixtures.differences(expect, answer)
    return Result(
        scenario, f"schedule {scenario.schedule}", scenario.schedule, "called",
        time.monotonic() - start, problems,
    )  # fmt: skip


KIND = Kind(read, play)


def differences_of_input(scenario: ScheduledCall, sent: dict[str, Any]) -> list[str]:
    """Return whether the schedule sends other fields than its fixture has, as a line."""
    expected = msgspec.json.decode(scenario.path.read_bytes())
    if set(expected) == set(sent):
        return []
    return [f"the schedule sends {sorted(sent)}, expected {sorted(expected)}"]


def scheduled_input(template: str, now: datetime, arn: str) -> dict[str, Any]:
    """Return a schedule's input with Scheduler's own keywords filled in; `{}` for an empty one."""
    keywords = {
        "<aws.scheduler.schedule-arn>": arn,
        "<aws.scheduler.scheduled-time>": iso(now),
        "<aws.scheduler.execution-id>": "replay",
        "<aws.scheduler.attempt-number>": "1",
    }
    for keyword, value in keywords.items():
        template = template.replace(keyword, value)
    filled: dict[str, Any] = json.loads(template or "{}")
    return filled


def iso(moment: datetime) -> str:
    """Return a time in ISO 8601, UTC, with `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def call_schedule(
    deployed: Deployed, name: str, **more: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Call the target of the schedule `name` with its input, and with `more` fields.

    Returns what the schedule sends and what the function answered. Raises UserError when there is
    no such schedule or the function fails.
    """
    schedule = _schedule(deployed, name)
    target = schedule["Target"]
    sent = scheduled_input(target.get("Input", ""), datetime.now(UTC), schedule["Arn"])
    answer = deployed.stage.client("lambda").invoke(
        FunctionName=target["Arn"], Payload=json.dumps(sent | more).encode()
    )
    result = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise UserError(f"{name} failed: {result.get('errorType')}: {result.get('errorMessage')}")
    return sent, result


def _schedule(deployed: Deployed, name: str) -> dict[str, Any]:
    full_name = f"{deployed.stage.prefix}-{name}"
    try:
        schedule: dict[str, Any] = deployed.stage.client("scheduler").get_schedule(Name=full_name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise UserError(f"the schedule {full_name} is not deployed") from None
    return schedule
