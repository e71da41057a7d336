"""Schedules that AWS takes, that come, and whose day is the functions' day.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import re
import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest
from aws_croniter import AwsCroniter  # type: ignore[import-untyped]

from tests.template import resources

RATE = re.compile(r"rate\((?:1 (?:minute|hour|day)|(?:[2-9]|[1-9]\d+) (?:minutes|hours|days))\)")
AT = "%Y-%m-%dT%H:%M:%S"
SCHEDULES = {
    name: body["Properties"]
    for name, body in resources().items()
    if "ScheduleExpression" in body.get("Properties", {})
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


def test_there_is_a_schedule() -> None:
    assert SCHEDULES


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_is_one_that_aws_takes_and_that_comes(name: str) -> None:
    expression = SCHEDULES[name]["ScheduleExpression"]
    said = fault(expression)
    assert said is None, f"{name}: {expression}: {said}"


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_day_is_the_functions_day(name: str) -> None:
    zone = SCHEDULES[name].get("ScheduleExpressionTimezone", "UTC")
    assert zone in zoneinfo.available_timezones(), f"{name}: there is no time zone {zone}"
    assert zone == "UTC", f"{name}: it starts by {zone}, and the functions count days in UTC"


@pytest.mark.parametrize(
    ("expression", "taken"),
    [
        ("cron(15 4 * * ? *)", True),
        ("cron(0 9 ? * MON-FRI *)", True),
        ("cron(15 24 * * ? *)", False),
        ("cron(60 4 * * ? *)", False),
        ("cron(15 4 * * * *)", False),
        ("cron(15 4 ? * 8 *)", False),
        ("cron(15 4 * * ?)", False),
        ("cron(*/0 4 * * ? *)", False),
        ("cron(15 4 31 2 ? *)", False),
        ("cron(15 4 * * ? 2020)", False),
        ("rate(5 minutes)", True),
        ("rate(1 hour)", True),
        ("rate(1 days)", False),
        ("rate(5 minute)", False),
        ("rate(0 minutes)", False),
        ("at(2027-02-28T04:15:00)", True),
        ("at(2026-02-30T04:15:00)", False),
        ("15 4 * * *", False),
    ],
)
def test_what_is_wrong_with_a_schedule_is_seen(expression: str, taken: bool) -> None:
    assert (fault(expression) is None) == taken
