"""`make look` shows what is on the stage, and no secret."""

import json
import os
import subprocess
import sys

import pytest

from operations.deployed import Deployed
from workbench.local_cloud.emulator import keys
from workbench.look import stores
from workbench.stages.stage import ROOT, local_dir


@pytest.fixture(scope="module")
def printed(deployed: Deployed) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "workbench.look"],
        cwd=ROOT, env=os.environ | {"STAGE": "local"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def test_every_store_rule_and_schedule_is_shown(deployed: Deployed, printed: str) -> None:
    for name in (deployed.bucket, deployed.ledger, deployed.orders_bus):
        assert name in printed
    assert f"{deployed.stage.prefix}-functions-dlq" in printed
    for rule in deployed.rules:
        assert f"  {rule.name:<28} bus {rule.bus:<10} on  → " in printed
    assert "rate(1 hour) (UTC)" in printed


def test_secrets_have_names_and_no_values(deployed: Deployed, printed: str) -> None:
    client = deployed.stage.client("secretsmanager")
    assert f"{deployed.stage.prefix}/database " in printed
    secret = client.get_secret_value(SecretId=f"{deployed.stage.prefix}/database")
    assert json.loads(secret["SecretString"])["password"] not in printed
    root = keys.read(local_dir() / keys.FILE)
    assert root.secret_access_key not in printed
    assert f"aws --profile {keys.PROFILE}" in printed


def test_items_show_their_keys_first_and_no_token() -> None:
    item = {"pk": {"S": "p" * 60}, "task_token": {"S": "t0k3n"}, "status": {"S": "Waiting"}}

    shown = stores._item(item | {"accepted": {"N": "3"}, "long": {"S": "x" * 99}}, ["pk"])

    assert shown == f"pk={'p' * 60}  status=Waiting  accepted=3  task_token=(hidden)"
