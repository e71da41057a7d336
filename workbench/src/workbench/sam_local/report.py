"""What a person sees of calls: a function's log, its payload, and a table of many."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.stages.visible import say

# Of a log line's fields, those that are the same in every line, or say nothing here.
_USUAL = frozenset(
    {"level", "message", "timestamp", "service", "location", "cold_start", "xray_trace_id"}
)
_CONTEXT = frozenset(
    {"function_name", "function_memory_size", "function_arn", "function_request_id", "requestId"}
)


@dataclass(frozen=True)
class Result:
    """One call as it came out: what was called how, the seconds it took, and what differed."""

    function: str
    scenario: str
    way: str
    seconds: float
    differences: tuple[str, ...]


def readable_log(text: str) -> list[str]:
    """A container's log, one line for each of the function's own; SAM's talk is left out."""
    lines = []
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("{"):
            try:
                lines += _entry(json.loads(line))
            except ValueError:
                lines.append(line)
        elif line.startswith(("REPORT ", "Traceback", "Function '")) or "Task timed out" in line:
            lines.append(line)
    return lines


def _entry(entry: dict[str, Any]) -> list[str]:
    if str(entry.get("logger", "")).startswith("botocore"):
        return []
    if "_aws" in entry:
        named = entry["_aws"]["CloudWatchMetrics"][0]["Metrics"]
        return [f"metrics  {' '.join(f'{m["Name"]}={_value(entry[m["Name"]])}' for m in named)}"]
    fields = {k: v for k, v in entry.items() if k not in _USUAL | _CONTEXT}
    stack = fields.pop("exception", None) or fields.pop("stackTrace", None)
    rest = " ".join(f"{name}={_value(value)}" for name, value in fields.items())
    lines = [f"{entry.get('level', 'INFO'):<8} {entry.get('message', '')} {rest}".rstrip()]
    if isinstance(stack, list):
        stack = "".join(str(line) for line in stack)
    return lines + [f"         {line}" for line in str(stack or "").splitlines() if line.strip()]


def _value(value: Any) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else json.dumps(value)


def print_table(results: Sequence[Result]) -> None:
    """A table of calls with outcome and time, and what differed below it."""
    rows = [("function", "scenario", "through", "outcome", "time")]
    for one in results:
        outcome = "differs" if one.differences else "as expected"
        seconds = f"{one.seconds * 1000:.0f} ms" if one.seconds < 1 else f"{one.seconds:.1f} s"
        rows.append((one.function, one.scenario, one.way, outcome, seconds))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        say("  ".join([*cells, row[4].rjust(7)]))
    for one in results:
        for line in one.differences:
            say(f"{one.function}/{one.scenario} ({one.way}): {line}")
