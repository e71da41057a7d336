"""`make logs`: what the functions of a stage have written, in one stream."""

import datetime
import json
from typing import Any

from workbench.stages.errors import UserError
from workbench.stages.stage import Stage
from workbench.stages.visible import say

# Lines that Lambda writes around each invocation; `ALL=1` shows them and metrics too.
_PLATFORM = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")
# What a structured line says in front; the rest of its fields follows as they are.
_LEADING = ("level", "message")
_QUIET = {"timestamp", "service", "location", "xray_trace_id", "cold_start", "function_arn"}
_QUIET |= {"function_memory_size", "function_name", "function_request_id", "sampling_rate"}


def show_logs(
    stage: Stage,
    function: str | None = None,
    about: str | None = None,
    minutes: str = "60",
    *,
    everything: bool = False,
) -> None:
    """Print the log lines of the stage's functions, or of one, by time.

    `about` keeps the lines with that text, `everything` adds the platform's own lines and metrics.
    Raises UserError for a function without a log.
    """
    if not (minutes.isdecimal() and len(minutes) <= 7):
        raise UserError(f"MINUTES={minutes} is not a whole number of at most seven digits")
    groups = _groups(stage, function)
    since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=int(minutes))
    lines = [
        (event["timestamp"], name, event["message"].rstrip())
        for name, group in groups.items()
        for event in _events(stage, group, int(since.timestamp() * 1000))
    ]
    shown = 0
    for time, name, message in sorted(lines, key=lambda line: line[0]):
        if not everything and (message.startswith(_PLATFORM) or '"CloudWatchMetrics"' in message):
            continue
        if about and about not in message:
            continue
        say(_readable(time, name, message))
        shown += 1
    if not shown:
        say(f"no log lines of the last {minutes} minutes match; MINUTES= looks further back")


def _groups(stage: Stage, function: str | None) -> dict[str, str]:
    """The log groups by their functions' short names."""
    start = f"/aws/lambda/{stage.prefix}-"
    pages = stage.client("logs").get_paginator("describe_log_groups")
    names = [
        group["logGroupName"]
        for page in pages.paginate(logGroupNamePrefix=start)
        for group in page["logGroups"]
    ]
    groups = {name.removeprefix(start): name for name in names}
    if not groups:
        raise UserError(f"stage {stage.name} has no logs; deploy it with: make deploy")
    if function and function not in groups:
        raise UserError(f"FN={function} has no log; there are: {', '.join(sorted(groups))}")
    return {name: group for name, group in groups.items() if function in (None, "", name)}


def _events(stage: Stage, group: str, since: int) -> list[dict[str, Any]]:
    pages = stage.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=group, startTime=since)
    return [event for page in found for event in page["events"]]


def _readable(time: int, function: str, message: str) -> str:
    clock = datetime.datetime.fromtimestamp(time / 1000, datetime.UTC).strftime("%H:%M:%S.%f")[:-3]
    try:
        fields = json.loads(message)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        return f"{clock} {function:<18} {message}"
    rest = {k: v for k, v in fields.items() if k not in _QUIET and k not in _LEADING}
    said = " ".join(str(fields[name]) for name in _LEADING if name in fields)
    more = " ".join(f"{name}={value}" for name, value in rest.items())
    return f"{clock} {function:<18} {said} {more}".rstrip()
