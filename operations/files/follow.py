"""Following a file to its end: in the ledger, and in its workflow execution."""

from collections.abc import Callable
from typing import Any

from operations.deployed import Deployed
from operations.files.order_file import (
    AWAITING,
    FINAL,
    Row,
    Uploaded,
    execution_of,
    question_of,
    read_row,
)
from operations.files.way import Look, described
from workbench.history.why import command
from workbench.stages.errors import UserError
from workbench.stages.waiting import within

LIMIT = 120.0  # seconds; everything but a person's decision takes less
PAUSE = 0.4  # seconds between two looks


def follow(
    deployed: Deployed,
    file_id: str,
    on_approval: Callable[[], bool],
    limit: float = LIMIT,
    answered: str | None = None,
    uploaded: Uploaded | None = None,
) -> Row:
    """The ledger's row once the file has its outcome.

    When the file awaits a person's decision, `on_approval` is called once for each question other
    than the one that was `answered` before: False ends the following there. Raises UserError,
    saying what is missing, when `limit` seconds are not enough, or as soon as nothing is left that
    could bring the outcome: the execution has ended, or, where what was just `uploaded` is said,
    the function that takes it up cannot start.
    """
    look = Look(deployed, file_id, uploaded)

    def end() -> Row | None:
        nonlocal answered
        row = read_row(deployed, file_id)
        if row and row["status"] in FINAL:
            return row
        question = question_of({"file_id": file_id} | row) if row else None
        if row and row["status"] == AWAITING and question != answered:
            answered = question
            if not on_approval():
                return row
        look.at(row)
        return None

    if row := within(limit, end, PAUSE):
        return row
    raise UserError(f"file {file_id}: {_missing(deployed, file_id, limit, uploaded)}")


def _missing(deployed: Deployed, file_id: str, limit: float, uploaded: Uploaded | None) -> str:
    row = read_row(deployed, file_id)
    if row is None:
        missing = f"no ledger row after {limit:.0f} s: no function processed the upload; see "
        if uploaded is None:
            return f"{missing}make logs"
        return missing + command(deployed.stage, "explain", EVENT=uploaded.key)
    missing = f"no outcome after {limit:.0f} s: the ledger says {row['status']}"
    execution = execution_of(row)
    if execution:
        answer = described(deployed, execution)
        missing += f", the workflow {answer['status']} {answer.get('error', '')}".rstrip()
    return f"{missing}; see {command(deployed.stage, 'history', FILE_ID=file_id)}"


def wait_for_execution(
    deployed: Deployed, arn: str, limit: float = 30.0, pause: float = PAUSE / 2
) -> dict[str, Any]:
    """The answer of DescribeExecution once the execution is over.

    Raises UserError when it still runs after `limit` seconds.
    """
    states = deployed.stage.client("stepfunctions")

    def end() -> dict[str, Any] | None:
        answer = states.describe_execution(executionArn=arn)
        return None if answer["status"] == "RUNNING" else answer

    if answer := within(limit, end, pause):
        return answer
    raise UserError(f"the workflow still runs {limit:.0f} s after the outcome: {arn}")
