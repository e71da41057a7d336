"""What is open though nobody works on it, and what was not announced, is found by its state."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from operations.deployed import Deployed
from operations.files.follow import follow
from operations.files.order_file import Uploaded, execution_of, read_row, upload
from operations.reconciliation.archive import read_archive
from operations.services import faults as service_faults
from tests.local_cloud.test_operations import LARGE, lines_in_database, orders, run
from workbench.stages.waiting import wait_until

LONG_AGO = "2026-01-02T03:04:05Z"


def call(deployed: Deployed, name: str, event: dict[str, Any]) -> Any:
    """What a function answers; it must not fail."""
    answer = deployed.stage.client("lambda").invoke(
        FunctionName=f"{deployed.stage.prefix}-{name}", Payload=json.dumps(event)
    )
    reported = json.load(answer["Payload"])
    assert "FunctionError" not in answer, reported
    return reported


def announced(deployed: Deployed, file_id: str) -> list[str]:
    """The detail types of all events about a file, in order."""
    now = datetime.now(UTC)
    events = read_archive(deployed, now - timedelta(minutes=10), now + timedelta(hours=1))
    return [each["detail-type"] for each in events if each["detail"].get("file_id") == file_id]


def has_its_outcome(deployed: Deployed, file_id: str) -> bool:
    """Whether a file has its outcome, announced, and is not in the index any more."""
    row = read_row(deployed, file_id) or {}
    return bool(row.get("announced")) and "unfinished" not in row


@pytest.fixture
def aborted(deployed: Deployed, tmp_path: Path) -> Uploaded:
    """A file whose execution was stopped while it waited for the database."""
    file = orders(tmp_path, LARGE)
    try:
        service_faults.stop_database()
        uploaded = upload(deployed, f"incoming/nordwind/{file.name}", file)
        seen = partial(read_row, deployed, uploaded.file_id)
        wait_until(lambda: (seen() or {}).get("registered_at"), "the file is registered", 60)
        execution = execution_of(seen() or {})
        deployed.stage.client("stepfunctions").stop_execution(executionArn=execution)
    finally:
        service_faults.start_database()
    return uploaded


def test_a_file_whose_execution_was_stopped_is_reported_and_can_be_run_again(
    deployed: Deployed, aborted: Uploaded
) -> None:
    assert call(deployed, "FindUnfinished", {})["findings"] == 1
    assert announced(deployed, aborted.file_id) == ["ReconciliationFinding"]

    done = run("operations.commands.retry", FILE_ID=aborted.file_id)

    assert done.returncode == 0, done.stdout + done.stderr
    assert lines_in_database(deployed, aborted.file_id) == LARGE
    wait_until(partial(has_its_outcome, deployed, aborted.file_id), "it has its outcome")
    assert call(deployed, "FindUnfinished", {}) == {"files": 0, "announced": 0, "findings": 0}


@pytest.mark.parametrize("lines", [1, LARGE], ids=["direct", "workflow"])
def test_an_outcome_that_was_not_announced_is_announced(
    deployed: Deployed, tmp_path: Path, lines: int
) -> None:
    file = orders(tmp_path, lines)
    uploaded = upload(deployed, f"incoming/nordwind/{file.name}", file)
    follow(deployed, uploaded.file_id, lambda: False)
    wait_until(partial(has_its_outcome, deployed, uploaded.file_id), "it has its outcome")
    # As if its writer had been killed before it announced the outcome.
    deployed.stage.client("dynamodb").update_item(
        TableName=deployed.ledger,
        Key={"pk": {"S": f"file#{uploaded.file_id}"}},
        UpdateExpression="SET unfinished = :then, claim_expires_at = :past REMOVE announced",
        ExpressionAttributeValues={":then": {"S": LONG_AGO}, ":past": {"N": "0"}},
    )

    assert call(deployed, "FindUnfinished", {})["announced"] == 1

    assert has_its_outcome(deployed, uploaded.file_id)
    assert announced(deployed, uploaded.file_id) == ["OrderFileAccepted"] * 2


def test_the_daily_pass_keeps_where_it_is(deployed: Deployed) -> None:
    due = (datetime.now(UTC) + timedelta(hours=2)).isoformat()

    first = call(deployed, "DailyReconciliation", {"scheduled_at": due})
    again = call(deployed, "DailyReconciliation", {"scheduled_at": due})

    assert first == again, "the day before is looked at once more"
    key = {"pk": {"S": "pass#uploads"}}
    kept = deployed.stage.client("dynamodb").get_item(TableName=deployed.ledger, Key=key)["Item"]
    assert kept["key"] == {"S": ""}
