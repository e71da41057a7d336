"""Which executions there are: the newest, one by its name, those that something has started."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from workbench.stages.deployed import Deployed
from workbench.stages.errors import UserError

MACHINE = "AWS::StepFunctions::StateMachine"
_INPUTS: dict[str, str] = {}  # of executions that were looked at: an input never changes
LOOKED_AT = 200  # executions of a machine whose input is read, the newest first


def machines(deployed: Deployed) -> list[str]:
    """Return the ARNs of the stage's state machines."""
    return [one.identifier for one in deployed.parts if one.type == MACHINE]


def newest(deployed: Deployed, count: int) -> list[dict[str, Any]]:
    """Return what ListExecutions says of the newest executions, the newest first.

    Express machines are left out on AWS, which keeps no list of their executions.
    """
    found = [one for machine in machines(deployed) for one in _listed(deployed, machine, count)]
    return sorted(found, key=_started, reverse=True)[:count]


def find(deployed: Deployed, name: str) -> str:
    """Return the ARN of an execution of that name, or of that ARN.

    Raises UserError when none of the stage's machines has one.
    """
    if name.startswith("arn:"):
        return name
    client = deployed.stage.client("stepfunctions")
    for machine in machines(deployed):
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
        try:
            client.describe_execution(executionArn=arn)
        except (client.exceptions.ExecutionDoesNotExist, client.exceptions.InvalidArn):
            continue
        return arn
    names = ", ".join(machine.rpartition(":")[2] for machine in machines(deployed)) or "none"
    raise UserError(
        f"EXECUTION={name} is not an execution of this stage's state machines ({names}); "
        "make history without it lists the newest ones"
    )


def started_with(
    deployed: Deployed, text: str, among: Sequence[str] | None = None, since: datetime | None = None
) -> list[dict[str, Any]]:
    """Return the executions (as DescribeExecution does) with `text` in their input, newest first.

    Of the machines `among`, else of all; started at or after `since`.
    """
    client = deployed.stage.client("stepfunctions")
    found = []
    for machine in machines(deployed) if among is None else among:
        for one in _listed(deployed, machine, LOOKED_AT):
            if since is None or one["startDate"] >= since:
                arn = one["executionArn"]
                if arn in _INPUTS and text not in _INPUTS[arn]:
                    continue
                execution = client.describe_execution(executionArn=arn)
                _INPUTS[arn] = execution.get("input", "")
                if text in _INPUTS[arn]:
                    found.append(execution)
    return sorted(found, key=_started, reverse=True)


def _listed(deployed: Deployed, machine: str, count: int) -> Iterator[dict[str, Any]]:
    client = deployed.stage.client("stepfunctions")
    pages = client.get_paginator("list_executions").paginate(
        stateMachineArn=machine, PaginationConfig={"MaxItems": count}
    )
    try:
        for page in pages:
            yield from page["executions"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "StateMachineTypeNotSupported":
            raise


def _started(execution: dict[str, Any]) -> datetime:
    started: datetime = execution["startDate"]
    return started
