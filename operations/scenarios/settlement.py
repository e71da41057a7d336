"""Calling a deployed schedule's target as EventBridge Scheduler would when its time has come."""

import json
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from workbench.stages.deployed import Deployed
from workbench.stages.errors import UserError


def scheduled_input(template: str, now: datetime, arn: str) -> dict[str, Any]:
    """A schedule's input with Scheduler's own keywords filled in; `{}` for an empty one."""
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
    """A time as the system writes it: ISO 8601, UTC, with `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def call_schedule(
    deployed: Deployed, name: str, start: datetime, end: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Call the target of the schedule `name`, narrowed to the uploads from `start` to `end`.

    Returns what was sent and what the function answered. Raises UserError when there is no such
    schedule or the function fails.
    """
    schedule = _schedule(deployed, name)
    target = schedule["Target"]
    sent = scheduled_input(target.get("Input", ""), datetime.now(UTC), schedule["Arn"])
    sent |= {"from": iso(start), "to": iso(end)}
    answer = deployed.stage.client("lambda").invoke(
        FunctionName=target["Arn"], Payload=json.dumps(sent).encode()
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
