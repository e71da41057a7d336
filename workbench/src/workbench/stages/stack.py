"""The stage's CloudFormation stack: how it stands, what is in it, and its way out."""

import math
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from workbench.stages.errors import UserError
from workbench.stages.stage import Stage
from workbench.stages.waiting import within

# Such a stack holds nothing of anybody, and cannot be updated.
NEVER_COMPLETE = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")


@dataclass(frozen=True)
class Resource:
    """A part of the stack: its name in the template, its type, its own name, and how it stands."""

    name: str
    type: str
    identifier: str
    status: str
    reason: str


def described(stage: Stage) -> dict[str, Any] | None:
    """What CloudFormation says of the stage's stack; None when there is none."""
    try:
        answer = stage.client("cloudformation").describe_stacks(StackName=stage.prefix)
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    found: dict[str, Any] = answer["Stacks"][0]
    return None if found["StackStatus"] == "DELETE_COMPLETE" else found


def status(stage: Stage) -> str | None:
    """The status of the stage's stack; None when there is none."""
    stack = described(stage)
    return str(stack["StackStatus"]) if stack else None


def resources(stage: Stage) -> list[Resource]:
    """What is in the stack and not deleted yet."""
    pages = stage.client("cloudformation").get_paginator("list_stack_resources")
    return [
        Resource(
            one["LogicalResourceId"],
            one["ResourceType"],
            one.get("PhysicalResourceId", ""),
            one["ResourceStatus"],
            one.get("ResourceStatusReason", ""),
        )
        for page in pages.paginate(StackName=stage.prefix)
        for one in page["StackResourceSummaries"]
        if one["ResourceStatus"] != "DELETE_COMPLETE"
    ]


def wait(stage: Stage) -> str | None:
    """Wait until nothing is in progress; the status then, None when the stack is gone."""
    now = None

    def at_rest() -> bool:
        nonlocal now
        before, now = now, status(stage)
        if now is None or not now.endswith("_IN_PROGRESS") or now == "REVIEW_IN_PROGRESS":
            return True
        if now != before:
            print(f"  stack {stage.prefix} is {now}; waiting for its end", flush=True)
        return False

    within(math.inf, at_rest, 0.5 if stage.is_local else 5)
    return now


def delete(stage: Stage) -> list[Resource]:
    """Delete the stack as far as AWS lets it; what refused to be deleted.

    Raises UserError when nothing refused and the stack is there all the same.
    """
    wait(stage)
    stage.client("cloudformation").delete_stack(StackName=stage.prefix)
    now = wait(stage)
    if now is None:
        return []
    refused = [one for one in resources(stage) if one.status == "DELETE_FAILED"]
    if not refused:
        raise UserError(f"stack {stage.prefix} is {now} and was not deleted: look at its events")
    return refused


def make_way(stage: Stage) -> None:
    """Let what an earlier deployment began come to its end; delete a stack that never was complete.

    Raises UserError where a person has to do something first.
    """
    now = wait(stage)
    if now in NEVER_COMPLETE:
        print(f"  stack {stage.prefix} is {now}: it never was complete and is deleted", flush=True)
        if refused := delete(stage):
            raise UserError(f"{refused[0].name} cannot be deleted: {refused[0].reason}")
    if now == "DELETE_FAILED":
        named = "" if stage.is_local else f" STAGE={stage.name}"
        raise UserError(f"stack {stage.prefix} is half deleted; go on with: make destroy{named}")
    if now == "UPDATE_ROLLBACK_FAILED":
        raise UserError(
            f"stack {stage.prefix} is UPDATE_ROLLBACK_FAILED; its events say why; then: "
            f"aws cloudformation continue-update-rollback --stack-name {stage.prefix}"
        )
