"""Schedules: what AWS takes, and what comes.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import re
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from workbench.checks.checking import places
from workbench.checks.checking.finding import Finding, near
from workbench.deployment import outline

RATE = re.compile(r"rate\((?:1 (?:minute|hour|day)|(?:[2-9]|[1-9]\d+) (?:minutes|hours|days))\)")
AT = "%Y-%m-%dT%H:%M:%S"
EXPRESSIONS = ("ScheduleExpression", "Schedule")


def reads() -> list[str]:
    """Return what is read: the template."""
    return [outline.TEMPLATE.name]


def find() -> Iterator[Finding]:
    """Return the expressions that AWS does not take, or that never come, and unknown zones."""
    file = places.of(outline.TEMPLATE).file
    for key, node in outline.every():
        said, line = outline.text(node), node.start_mark.line + 1
        if key in EXPRESSIONS and said and "${" not in said and not node.tag.startswith("!"):
            if problem := fault(said):
                yield Finding(file, line, f"{said}: {problem}")
        elif key == "ScheduleExpressionTimezone" and not node.tag.startswith("!"):
            zones = zoneinfo.available_timezones()
            if said not in zones:
                yield Finding(file, line, f"there is no time zone {said}{near(said, zones)}")


def fault(expression: str) -> str | None:
    """Return what AWS would say of a schedule, in words; None when it takes it and it comes."""
    from aws_croniter import AwsCroniter  # type: ignore[import-untyped]

    kind, _, inner = expression.partition("(")
    inner = inner.removesuffix(")")
    if kind == "rate":
        return None if RATE.fullmatch(expression) else "write rate(5 minutes), rate(1 day) …"
    if kind == "at":
        try:
            datetime.strptime(inner, AT)
        except ValueError as error:
            return f"{error}; write at(2026-12-31T23:59:59)"
        return None
    if kind != "cron" or not expression.endswith(")"):
        return "a schedule is cron(…), rate(…) or at(…)"
    try:
        (following,) = AwsCroniter(inner).get_next(datetime.now(UTC))
    except ValueError as error:
        return f"{error}; write cron(minute hour day month weekday year), ? for one of the days"
    if following is None or following > datetime.now(UTC) + timedelta(days=366):
        return "it does not come within a year"
    return None
