"""Which way a file goes: its execution, or the function of the direct route, and where it ends."""

import functools
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from operations.deployed import Deployed
from operations.files.order_file import FINAL, Row, Uploaded, execution_of, find_upload, read_row
from workbench.application.interface import Way
from workbench.history import finding
from workbench.history.why import command, start_errors, stuck, why
from workbench.routes.became import Trace, dead_letters
from workbench.stages.errors import UserError

LOOK = 2.0  # seconds between two looks at what else than the ledger's row tells
CLOCKS = timedelta(minutes=1)  # by which a stage's clock may differ from this machine's
DIRECT = "IntakeSmallFile"


def signs_of(event: Mapping[str, Any]) -> list[str]:
    """Return the id of the file that was uploaded, or that the event of a bus names."""
    detail = event.get("detail", {})
    if "file_id" in detail:
        return [str(detail["file_id"])]
    thing = detail.get("object", {})
    if "version-id" not in thing:
        return []
    return [Uploaded(detail["bucket"]["name"], thing["key"], thing["version-id"]).file_id]


def way_of(deployed: Deployed, file_id: str) -> Way:
    """Return the execution that a file went by; of the direct route, how to see its log.

    Raises UserError when there is no such file.
    """
    row = read_row(deployed, file_id)
    if row is None:
        return _way_without_row(deployed, find_upload(deployed, file_id))
    if execution := execution_of(row):
        return Way(executions=[execution])
    log = command(deployed.stage, "logs", FN=DIRECT, FILE_ID=file_id)
    ended = row["status"] if row["status"] in FINAL else f"in work ({row['status']})"
    return Way(
        notes=[
            f"file {file_id} is {ended}. It went by one call of the function {DIRECT}, without the "
            "workflow, so there is no history.",
            f"The function's log: {log}",
        ]
    )


def _way_without_row(deployed: Deployed, uploaded: Uploaded) -> Way:
    found = finding.started_with(deployed, uploaded.version_id)
    if found:
        return Way(executions=[one["executionArn"] for one in found])
    return Way(
        notes=[
            f"file {uploaded.file_id}, {uploaded.key}, was uploaded, but nothing has processed it.",
            f"Its log, if a function was called: {command(deployed.stage, 'logs', FN=DIRECT)}",
            "Which rules match it: " + command(deployed.stage, "explain", EVENT=uploaded.key),
        ]
    )


class Look:
    """Looks, now and then, whether anything is left that could bring a file its outcome."""

    def __init__(self, deployed: Deployed, file_id: str, uploaded: Uploaded | None) -> None:
        self._deployed, self._file_id, self._uploaded = deployed, file_id, uploaded
        self._since = datetime.now(UTC)
        self._next = time.monotonic() + LOOK
        self._looks = 0

    def at(self, row: Row | None) -> None:
        """Return when something may still come; UserError, saying why, when nothing can."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + LOOK
        self._looks += 1
        said = self._ended(row) or ([] if row else self._not_started()) or self._given_up()
        # What has ended may have left its outcome since the row was read.
        if said and read_row(self._deployed, self._file_id) == row:
            first, *more = said
            raise UserError("\n".join([f"file {self._file_id}: {first}", *more]))

    def _ended(self, row: Row | None) -> list[str]:
        """What to say when the execution that works on the file has ended."""
        if row:
            arn = execution_of(row)
            ended = [] if arn is None else [described(self._deployed, arn)]
        elif self._uploaded:
            machines = [arn for arn in self._targets() if ":stateMachine:" in arn]
            version, since = self._uploaded.version_id, self._since - CLOCKS
            ended = finding.started_with(self._deployed, version, machines, since)
        else:
            return []
        running = [one["executionArn"] for one in ended if one["status"] == "RUNNING"]
        if running and self._looks % 3 == 0 and (said := stuck(self._deployed, running[0])):
            see = command(self._deployed.stage, "history", FILE_ID=self._file_id)
            return ["its execution calls a function that cannot start", said, f"see {see}"]
        if not ended or running:
            return []
        return [
            "its execution has ended without an outcome",
            *why(self._deployed, ended[0]["executionArn"], FILE_ID=self._file_id),
        ]

    def _given_up(self) -> list[str]:
        """What to say when a dead-letter queue holds the upload's event."""
        if self._uploaded is None or self._looks % 3 != 0:
            return []
        trace = Trace((self._uploaded.version_id,), 0)
        found = list(dead_letters(self._deployed, trace))
        again = command(self._deployed.stage, "redrive")
        return [*found, f"put the cause right, then: {again}"] if found else []

    def _not_started(self) -> list[str]:
        """What to say when the function that takes up the file cannot start."""
        prefix = f":function:{self._deployed.stage.prefix}-"
        functions = [arn.partition(prefix)[2] for arn in self._targets() if prefix in arn]
        names = [name.partition(":")[0] for name in functions]
        found = start_errors(self._deployed, names, self._since.timestamp() - 1)
        return (
            [*found, f"see {command(self._deployed.stage, 'logs', FN=names[0])}"] if found else []
        )

    @functools.cache  # noqa: B019 - as long-lived as the look
    def _targets(self) -> list[str]:
        """The targets of the rules that take the upload."""
        if self._uploaded is None:
            return []
        key, bucket, version = self._uploaded.key, self._uploaded.bucket, self._uploaded.version_id
        found = self._deployed.stage.client("s3").head_object(
            Bucket=bucket, Key=key, VersionId=version
        )
        rules = self._deployed.rules_for(
            "default", self._deployed.upload_event(key, found["ContentLength"])
        )
        return [arn for rule in rules for arn in self._deployed.targets_of("default", rule)]


def described(deployed: Deployed, arn: str) -> dict[str, Any]:
    """What DescribeExecution says; RUNNING for one that is named, but not started yet."""
    states = deployed.stage.client("stepfunctions")
    try:
        found: dict[str, Any] = states.describe_execution(executionArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
            raise
        return {"executionArn": arn, "status": "RUNNING"}
    return found
