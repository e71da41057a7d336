"""From the direct route to the workflow: a small file that must wait for a person or a service.

First the claim passes to the execution that is going to be, then that execution starts, with the
same S3 event that a large file's would start with. Its name comes from the file, so however often
this is tried, there is one execution for each run of a file.
"""

from datetime import datetime

import msgspec

from order_intake.adapters import aws_clients
from order_intake.adapters.ledger import LEASE_WORKFLOW, FileRow, Ledger


def execution_name(row: FileRow) -> str:
    """Give the name of the execution that this run of a file is handed over to.

    A name is used once in 90 days, so a file that failed and is run again needs another one.
    """
    name = f"handover-{row.file_id}"
    return name if row.run == 1 else f"{name}-{row.run}"


def execution_arn(state_machine_arn: str, name: str) -> str:
    """Give the ARN that an execution of this name has."""
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"


def execution_name_of(claimant: str) -> str | None:
    """Give the name of the execution that a claimant is; None when it is a call of a function."""
    return claimant.rsplit(":", 1)[-1] if ":execution:" in claimant else None


def hand_over(
    state_machine_arn: str, ledger: Ledger, row: FileRow, event: object, now: datetime
) -> None:
    """Pass a claimed file to the workflow; may be repeated at any point."""
    execution = execution_arn(state_machine_arn, execution_name(row))
    ledger.hand_over(row.file_id, row.claimed_by, execution, LEASE_WORKFLOW, now)
    start(state_machine_arn, row, event)


def is_unfinished(row: FileRow) -> bool:
    """Tell whether the file was passed to an execution that has not made the claim its own yet."""
    named = row.claimed_by.endswith(f":{execution_name(row)}")
    return named and row.attempts == 0 and not row.is_final


def start(state_machine_arn: str, row: FileRow, event: object) -> None:
    """Start the file's execution; one that was started before is as good."""
    client = aws_clients.step_functions()
    with aws_clients.service_calls("states"):
        try:
            client.start_execution(
                stateMachineArn=state_machine_arn,
                name=execution_name(row),
                input=msgspec.json.encode(event).decode(),
            )
        except client.exceptions.ExecutionAlreadyExists:
            return
