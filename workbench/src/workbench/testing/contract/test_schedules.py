"""Schedules that AWS takes, that come, and whose day is the functions' day.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import re
import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest
from aws_croniter import AwsCroniter  # type: ignore[import-untyped]

from workbench.testing.contract.deployed import template

RATE = re.compile(r"rate\((?:1 (?:minute|hour|day)|(?:[2-9]|[1-9]\d+) (?:minutes|hours|days))\)")
AT = "%Y-%m-%dT%H:%M:%S"
SCHEDULES = {
    name: body["Properties"]
    for name, body in template().resources.items()
    if "ScheduleExpression" in body["Properties"]
}


def fault(expression: str) -> str | None:
    """What AWS would say of a schedule, in words; None when it takes it and it comes."""
    kind, _, inner = expression.partition("(")
    inner = inner.removesuffix(")")
    if kind == "rate":
        return None if RATE.fullmatch(expression) else "a rate is `rate(5 minutes)`, `rate(1 day)`"
    if kind == "at":
        try:
            datetime.strptime(inner, AT)
        except ValueError as error:
            return str(error)
        return None
    if kind != "cron":
        return "a schedule is cron(…), rate(…) or at(…)"
    try:
        (following,) = AwsCroniter(inner).get_next(datetime.now(UTC))
    except ValueError as error:
        return str(error)
    if following is None or following > datetime.now(UTC) + timedelta(days=366):
        return "it does not come within a year"
    return None


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_one_that_aws_takes_and_that_comes(name: str) -> None:
    expression = SCHEDULES[name]["ScheduleExpression"]
    said = fault(expression)
    assert said is None, f"template.yaml: {name}: {expression}: {said}"


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedules_day_is_the_functions_day(name: str) -> None:
    zone = SCHEDULES[name].get("ScheduleExpressionTimezone", "UTC")
    where = f"template.yaml: {name}"
    assert zone in zoneinfo.available_timezones(), f"{where}: there is no time zone {zone}"
    assert zone == "UTC", f"{where}: it starts by {zone}, and the functions count days in UTC"
