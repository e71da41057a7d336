"""After files have gone through the deployed local cloud, no secret is where it must not be."""

import json
import subprocess
from pathlib import Path

import pytest

from operations.deployed import Deployed, uploads_bucket
from workbench.stages.stage import Stage, local_dir
from workbench.stages.waiting import wait_until

SECRET_FIELDS = ("password", "api_key")


@pytest.fixture
def stage(deployed: Deployed) -> Stage:
    return deployed.stage


@pytest.fixture
def values(stage: Stage) -> list[bytes]:
    """Every value that only a secret may hold."""
    client = stage.client("secretsmanager")
    found = []
    for name in ("database", "database-owner", "rates-api", "partner-webhook"):
        text = client.get_secret_value(SecretId=f"{stage.prefix}/{name}")["SecretString"]
        found += [value for field, value in json.loads(text).items() if field in SECRET_FIELDS]
    assert len(found) == 4
    assert all(len(value) >= 20 for value in found)
    return [value.encode() for value in found]


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def test_no_file_of_the_local_cloud_holds_one(values: list[bytes]) -> None:
    checked = 0
    for path in files_below(local_dir()):
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # the running cloud's own, and gone by now
            continue
        checked += 1
        assert not [value for value in values if value in content], path
    assert checked > 10


def test_no_process_shows_one_in_its_arguments(values: list[bytes]) -> None:
    listed = subprocess.run(["ps", "-eo", "args", "-ww"], capture_output=True, check=True).stdout
    assert b"workbench.local_cloud" in listed
    assert not [value for value in values if value in listed]


def test_no_log_line_holds_one(stage: Stage, values: list[bytes]) -> None:
    logs = stage.client("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{stage.prefix}-")
    for group in groups["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        text = json.dumps([event["message"] for page in pages for event in page["events"]])
        assert not [value for value in values if value.decode() in text], group["logGroupName"]


def test_no_history_of_the_workflow_holds_one(stage: Stage, values: list[bytes]) -> None:
    client = stage.client("stepfunctions")
    (machine,) = [
        each["stateMachineArn"]
        for each in client.list_state_machines()["stateMachines"]
        if each["name"] == f"{stage.prefix}-OrderIntake"
    ]

    def executions() -> list[str]:
        pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine)
        return [each["executionArn"] for page in pages for each in page["executions"]]

    if not executions():
        bucket = uploads_bucket(stage, stage.account())
        key = "incoming/nordwind/no_secret_in_a_history.csv"
        body = b"Rechnung;Datum\n" + b"R-1;01.01.2026\n" * 5000  # refused, through the workflow
        stage.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        wait_until(executions, "an execution of the workflow")
    for execution in executions():
        pages = client.get_paginator("get_execution_history").paginate(executionArn=execution)
        text = json.dumps([page["events"] for page in pages], default=str)
        assert not [value for value in values if value.decode() in text], execution


def test_no_ledger_row_holds_one(stage: Stage, values: list[bytes]) -> None:
    pages = (
        stage.client("dynamodb").get_paginator("scan").paginate(TableName=f"{stage.prefix}-ledger")
    )
    text = json.dumps([page["Items"] for page in pages])
    assert not [value for value in values if value.decode() in text]
