"""`make retry`: make good what was left of a file's way.

A file that has failed, or whose execution is over without an outcome, is run again; an outcome that
stands and was not published is published.
"""

import argparse
import os
import re
import time
import uuid
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from operations.commands.send import (
    SECONDS_PER_BYTE,
    about_the_failure,
    about_the_first,
    explained,
    is_taken,
)
from operations.deployed import Deployed
from operations.files.follow import LIMIT, PAUSE, follow
from operations.files.order_file import FINAL, Row, Uploaded, execution_of, find_upload, read_row
from operations.files.unpublished import is_unpublished, publish
from workbench.stages.errors import THROUGH_MAKE, UserError, run
from workbench.stages.stage import Stage
from workbench.stages.visible import say
from workbench.stages.waiting import within

EXITS = f"""\
exit status: 0 when the content is Accepted (the file itself, or the one that it is a Duplicate of),
awaits an approval, or when its outcome was published; 1 when it is not, or when there is nothing to
run again.
{THROUGH_MAKE}"""


def event_of(
    deployed: Deployed, uploaded: Uploaded, correlation_id: str, uploaded_at: str | None
) -> dict[str, Any]:
    """The event that S3 sent for this upload, made anew; UserError when the version is gone.

    Its time is the row's, which may be on another day than the object's.
    """
    try:
        found = deployed.stage.client("s3").head_object(
            Bucket=uploaded.bucket, Key=uploaded.key, VersionId=uploaded.version_id
        )
    except ClientError as error:
        raise UserError(f"{uploaded.key} cannot be read any more: {error}") from None
    event = deployed.upload_event(uploaded.key, found["ContentLength"])
    event["id"] = correlation_id
    event["time"] = uploaded_at or found["LastModified"].strftime("%Y-%m-%dT%H:%M:%SZ")
    event["detail"]["object"]["version-id"] = uploaded.version_id
    return event


def check_it_may_run(deployed: Deployed, row: Row) -> None:
    """Return when nobody works on the file any more and it has no lasting outcome.

    The claim of an execution that is over without an outcome is released. Raises UserError.
    """
    file_id, status = row["file_id"], row["status"]
    if status == "Failed":
        return
    if status in FINAL:
        raise UserError(f"file {file_id} is {status}: only a file that Failed is run again")
    execution = execution_of(row)
    if execution is None:
        if row["claim_expires_at"] > time.time():
            raise UserError(f"file {file_id} is being worked on; try again in two minutes")
        return
    answer = deployed.stage.client("stepfunctions").describe_execution(executionArn=execution)
    if answer["status"] == "RUNNING":
        raise UserError(f"file {file_id} is {status} and its execution runs: {execution}")
    # Conditional: somebody else may have run it again meanwhile.
    deployed.stage.client("dynamodb").update_item(
        TableName=deployed.ledger,
        Key={"pk": {"S": f"file#{file_id}"}},
        UpdateExpression="SET claim_expires_at = :past",
        ConditionExpression="claimed_by = :execution AND #status IN (:registered, :awaiting)",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={
            ":past": {"N": "0"},
            ":execution": {"S": execution},
            ":registered": {"S": "Registered"},
            ":awaiting": {"S": "AwaitingApproval"},
        },
    )


def start(deployed: Deployed, file_id: str, event: dict[str, Any], row: Row | None) -> None:
    """Send the event the way that its file's size means. Raises UserError when no rule takes it."""
    rules = deployed.rules_for("default", event)
    payload = msgspec.json.encode(event)
    if "SmallFileUploaded" in rules:
        deployed.stage.client("lambda").invoke(
            FunctionName=f"{deployed.stage.prefix}-IntakeSmallFile",
            InvocationType="Event",
            Payload=payload,
        )
    elif "LargeFileUploaded" in rules:
        states = deployed.stage.client("stepfunctions")
        try:
            states.start_execution(
                stateMachineArn=deployed.arn(
                    "states", f"stateMachine:{deployed.stage.prefix}-OrderIntake"
                ),
                name=execution_name(file_id, row),
                input=payload.decode(),
            )
        except states.exceptions.ExecutionAlreadyExists:
            return  # somebody else has run this failure again just now: follow theirs
    else:
        raise UserError(f"no rule takes {event['detail']['object']['key']} any more")


def execution_name(file_id: str, row: Row | None) -> str:
    """A name of its own for each failure of a file: a failure is run again once."""
    row = row or {}
    which = re.sub(r"\W", "", str(row.get("closed_at") or f"run{row.get('run', 0)}"))
    return f"retry-{file_id}-{which}"[:80]


def retry(deployed: Deployed, file_id: str) -> Row:
    """Run a file again and follow it to its outcome, or until it awaits an approval.

    Raises UserError when it must not be run again, or when it does not start or end in time.
    """
    row = read_row(deployed, file_id)
    if row is None:
        uploaded, correlation_id = find_upload(deployed, file_id), str(uuid.uuid4())
    else:
        check_it_may_run(deployed, row)
        uploaded = Uploaded(row["bucket"], row["key"], row["version_id"])
        correlation_id = row["correlation_id"]
    event = event_of(deployed, uploaded, correlation_id, (row or {}).get("uploaded_at"))
    start(deployed, file_id, event, row)
    _wait_for_new_run(deployed, file_id, row or {})
    limit = LIMIT + event["detail"]["object"]["size"] * SECONDS_PER_BYTE
    return follow(deployed, file_id, lambda: False, limit)


def _wait_for_new_run(deployed: Deployed, file_id: str, before: Row) -> None:
    def mark(row: Row) -> tuple[object, ...]:
        return tuple(row.get(name) for name in ("run", "closed_at", "claimed_by"))

    if not within(LIMIT, lambda: mark(read_row(deployed, file_id) or {}) != mark(before), PAUSE):
        raise UserError(f"nothing has begun with file {file_id} in {LIMIT:.0f} s; see make logs")


def main(arguments: list[str] | None = None) -> int:
    """Run the file again that the command line names; see EXITS for the exit status."""
    parser = argparse.ArgumentParser(
        prog="make retry",
        description=__doc__,
        epilog=EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--file-id", default=os.environ.get("FILE_ID"), help="the file's id (FILE_ID=…)"
    )
    asked = parser.parse_args(arguments)
    if not asked.file_id:
        raise UserError("name the file: make retry FILE_ID=…")
    stage = Stage.from_environment()
    deployed = Deployed.find(stage)
    there = read_row(deployed, asked.file_id)
    if there and there["status"] != "Failed" and is_unpublished(deployed, there):
        publish(deployed, asked.file_id)
        status = there["status"]
        say(f"file {asked.file_id} is {status}; that was not announced, and is announced now")
        return 0
    row = retry(deployed, asked.file_id)
    make_arguments = "" if stage.is_local else f" STAGE={stage.name}"
    say(*explained(row, row["key"].rsplit("/", 1)[-1], make_arguments))
    say(*about_the_first(deployed, row, make_arguments), *about_the_failure(deployed, row))
    return 0 if is_taken(deployed, row) else 1


if __name__ == "__main__":
    run(main)
