"""Schedules that AWS takes, that come, and whose day is the functions' day.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import zoneinfo

import pytest

from workbench.checks.parts.schedules import fault
from workbench.testing.contract.deployed import template

SCHEDULES = {
    name: body["Properties"]
    for name, body in template().resources.items()
    if "ScheduleExpression" in body["Properties"]
}


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
