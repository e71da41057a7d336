"""`make logs`: what the functions of a stage have written, in one stream."""

import datetime
import json
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
_QUIET |= {"exception_name", "stack_trace"}
# Where Lambda, or the local cloud, has unpacked the code: what follows is the place in the sources.
_FOLDER = re.compile(
    r'(File ")(?:/var/task|[^"]*/ministack-lambda-[^/"]+/code|[^"]*/functions/[0-9a-f]{16})/'
)
PAUSE = 1.0  # seconds between two looks at logs that are followed
LATE = 30  # seconds that a line may come after its time


@dataclass(frozen=True)
class Line:
    """A line, or what was written as one: when (epoch ms), by which function, in which stream."""

    time: int
    function: str
    stream: str
    id: str
    message: str


@dataclass(frozen=True)
class Wanted:
    """Which lines are shown: those of one function, with a text; the platform's own, too."""

    function: str | None = None
    about: str | None = None
    everything: bool = False


def show_logs(stage: Stage, wanted: Wanted, minutes: str = "60") -> None:
    """Print the log lines of the last `minutes`, by time.

    Raises UserError for a function without a log.
    """
    since = _since(minutes)
    shown = list(_shown(_lines(stage, _groups(stage, wanted.function), since), wanted))
    say(*shown)
    if not shown:
        say(f"no log lines of the last {minutes} minutes match; MINUTES= looks further back")


def follow_logs(stage: Stage, wanted: Wanted, minutes: str = "1") -> None:
    """Print the log lines of the last `minutes`, and each that comes, until Ctrl-C.

    Raises UserError for a function without a log.
    """
    since, groups = _since(minutes), _groups(stage, wanted.function)
    seen: dict[str, int] = {}
    try:
        while True:
            new = [line for line in _lines(stage, groups, since) if line.id not in seen]
            say(*_shown(new, wanted), flush=True)
            seen |= {line.id: line.time for line in new}
            since = max([since, *(line.time - LATE * 1000 for line in new)])
            seen = {id: written for id, written in seen.items() if written >= since}
            time.sleep(PAUSE)
    except KeyboardInterrupt:
        return


def _since(minutes: str) -> int:
    if not (minutes.isdecimal() and len(minutes) <= 7):
        raise UserError(f"MINUTES={minutes} is not a whole number of at most seven digits")
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=int(minutes))
    return int(start.timestamp() * 1000)


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


def _lines(stage: Stage, groups: dict[str, str], since: int) -> list[Line]:
    """The lines of all groups since then (epoch ms), by time."""
    found = [
        Line(
            event["timestamp"],
            name,
            event.get("logStreamName", ""),
            event.get("eventId") or f"{number} {event['timestamp']} {event['message']}",
            event["message"].rstrip(),
        )
        for name, group in groups.items()
        for number, event in enumerate(_events(stage, group, since))
    ]
    return sorted(found, key=lambda line: line.time)


def _events(stage: Stage, group: str, since: int) -> Iterator[dict[str, Any]]:
    pages = stage.client("logs").get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=group, startTime=since):
        yield from page["events"]


def _shown(lines: Iterable[Line], wanted: Wanted) -> Iterator[str]:
    """What is printed of these lines. An error that its function has logged is left out."""
    logged: dict[str, str] = {}  # the error that was logged with its trace last, by stream
    for line in lines:
        fields = _fields(line.message)
        if fields and "exception" in fields:
            logged[line.stream] = str(fields.get("exception_name", ""))
        elif line.message.startswith("START RequestId"):
            logged.pop(line.stream, None)
        if not wanted.everything and (
            line.message.startswith(_PLATFORM) or '"CloudWatchMetrics"' in line.message
        ):
            continue
        if wanted.about and wanted.about not in line.message:
            continue
        error = logged.get(line.stream)
        if error and line.message.startswith(f"[ERROR] {error}") and not wanted.everything:
            continue
        yield from _readable(line, fields)


def _fields(message: str) -> dict[str, Any] | None:
    if not message.startswith("{"):
        return None
    try:
        found: dict[str, Any] = json.loads(message)
    except ValueError:
        return None
    return found


def _readable(line: Line, fields: dict[str, Any] | None) -> list[str]:
    moment = datetime.datetime.fromtimestamp(line.time / 1000, datetime.UTC)
    start = f"{moment.strftime('%H:%M:%S.%f')[:-3]} {line.function:<18}"
    if fields is None:
        # AWS sets a trace in with spaces that do not break.
        message = _FOLDER.sub(r"\1", line.message.replace("\xa0", " "))
        first, *more = message.splitlines() or [""]
        return [f"{start} {first}", *(f"{start}   {each}" for each in more)]
    trace = _FOLDER.sub(r"\1", str(fields.pop("exception", "") or "")).splitlines()
    rest = {k: v for k, v in fields.items() if k not in _QUIET and k not in _LEADING}
    said = " ".join(str(fields[name]) for name in _LEADING if name in fields)
    more = [f"{name}={value}" for name, value in rest.items()]
    first = " ".join([said, *more]).rstrip()
    return [f"{start} {first}", *(f"{start}   {each}" for each in trace)]
