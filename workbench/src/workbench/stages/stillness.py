"""Brings a stage to rest before it is destroyed: no rule, no schedule, no execution runs."""

import contextlib
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from workbench.stages.errors import UserError
from workbench.stages.stack import Resource
from workbench.stages.stage import Stage
from workbench.stages.waiting import within

STATE_MACHINE = "AWS::StepFunctions::StateMachine"
_SCHEDULE = "AWS::Scheduler::Schedule"
_LIMIT = 120.0  # seconds for stopped executions to end
# What describes a schedule and is not taken when it is updated.
_READ_ONLY = {"Arn", "CreationDate", "LastModificationDate", "ResponseMetadata"}


def running(stage: Stage, parts: list[Resource]) -> list[str]:
    """The ARNs of the executions that run on the stage's state machines."""
    client = stage.client("stepfunctions")
    pages = client.get_paginator("list_executions")
    return [
        execution["executionArn"]
        for part in parts
        if part.type == STATE_MACHINE and part.identifier
        for page in _of_existing(
            pages.paginate(stateMachineArn=part.identifier, statusFilter="RUNNING")
        )
        for execution in page["executions"]
    ]


def _of_existing(pages: Any) -> Iterator[Any]:
    """The pages about a state machine; none when it is gone already."""
    try:
        yield from pages
    except ClientError as error:
        if error.response["Error"]["Code"] != "StateMachineDoesNotExist":
            raise


@contextlib.contextmanager
def stilled(stage: Stage, parts: list[Resource]) -> Iterator[None]:
    """Switch rules and schedules off and stop executions; rules are on again after an error.

    AWS deletes a state machine only when its executions have ended, which may wait for days.
    """
    rules = list(_switched_off(stage))
    schedules = list(_paused(stage, parts))
    try:
        _stop(stage, parts)
        yield
    except BaseException:
        _switch_on(stage, rules, schedules)
        raise


def _switched_off(stage: Stage) -> Iterator[tuple[str, str]]:
    """Bus and name of each rule of the stage that was on and is off now."""
    client = stage.client("events")
    own = client.list_event_buses(NamePrefix=f"{stage.prefix}-")["EventBuses"]
    for bus in ("default", *(one["Name"] for one in own)):
        try:
            pages = client.get_paginator("list_rules").paginate(
                EventBusName=bus, NamePrefix=f"{stage.prefix}-"
            )
            rules = [rule for page in pages for rule in page["Rules"]]
        except client.exceptions.ResourceNotFoundException:
            continue  # the bus is gone, and its rules with it
        for rule in rules:
            if rule["State"] == "ENABLED":
                client.disable_rule(Name=rule["Name"], EventBusName=bus)
                yield bus, rule["Name"]


def _paused(stage: Stage, parts: list[Resource]) -> Iterator[dict[str, Any]]:
    """What describes each schedule that was on and is off now."""
    client = stage.client("scheduler")
    for part in parts:
        if part.type == _SCHEDULE:
            try:
                found = client.get_schedule(Name=part.identifier)
            except client.exceptions.ResourceNotFoundException:
                continue
            schedule = {name: value for name, value in found.items() if name not in _READ_ONLY}
            if schedule.get("State") == "ENABLED":
                client.update_schedule(**schedule | {"State": "DISABLED"})
                yield schedule


def _switch_on(stage: Stage, rules: list[tuple[str, str]], schedules: list[dict[str, Any]]) -> None:
    """Switch on again what is left of what was switched off."""
    events, scheduler = stage.client("events"), stage.client("scheduler")
    for bus, name in rules:
        with contextlib.suppress(events.exceptions.ResourceNotFoundException):
            events.enable_rule(Name=name, EventBusName=bus)
    for schedule in schedules:
        with contextlib.suppress(scheduler.exceptions.ResourceNotFoundException):
            scheduler.update_schedule(**schedule)


def _stop(stage: Stage, parts: list[Resource]) -> None:
    client, stopped = stage.client("stepfunctions"), set[str]()
    left: set[str] = set()

    def at_rest() -> bool:
        nonlocal left
        left = set(running(stage, parts))
        for execution in left - stopped:
            client.stop_execution(
                executionArn=execution, error="StageDestroyed", cause="make destroy"
            )
            stopped.add(execution)
        return not left

    if not within(_LIMIT, at_rest, 0.2 if stage.is_local else 2):
        one = min(left)
        raise UserError(f"{one} was stopped and still runs; nothing was deleted; try again")
