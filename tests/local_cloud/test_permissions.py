"""Permissions as they are deployed: each function at its neighbours' doors."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from operations.deployed import Deployed
from tests.template import functions
from workbench.stages.stage import LOCAL_REGION, running_cloud

Door = Callable[["Session"], Any]


class Session:
    """A function's role, assumed for a test."""

    def __init__(self, deployed: Deployed, role: str) -> None:
        answer = deployed.stage.client("sts").assume_role(RoleArn=role, RoleSessionName="neighbour")
        self.keys = answer["Credentials"]
        self.deployed = deployed

    def client(self, service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=running_cloud()["endpoint"],
            region_name=LOCAL_REGION,
            aws_access_key_id=self.keys["AccessKeyId"],
            aws_secret_access_key=self.keys["SecretAccessKey"],
            aws_session_token=self.keys["SessionToken"],
        )


def get(prefix: str) -> Door:
    def door(session: Session) -> None:
        key = f"{prefix}/neighbour/none.csv"
        # Uploads are read by their version, everything else as it is.
        version = {"VersionId": "00000000000000000000000000000000"} if prefix == "incoming" else {}
        session.client("s3").get_object(Bucket=session.deployed.bucket, Key=key, **version)

    return door


def put(prefix: str) -> Door:
    def door(session: Session) -> None:
        key = f"{prefix}/neighbour/none.txt"
        session.client("s3").put_object(Bucket=session.deployed.bucket, Key=key, Body=b"")

    return door


def listing(prefix: str) -> Door:
    def door(session: Session) -> None:
        bucket = session.deployed.bucket
        session.client("s3").list_object_versions(Bucket=bucket, Prefix=f"{prefix}/", MaxKeys=1)

    return door


def secret(name: str) -> Door:
    def door(session: Session) -> None:
        prefix = session.deployed.stage.prefix
        session.client("secretsmanager").get_secret_value(SecretId=f"{prefix}/{name}")

    return door


def row(action: str, table: str | None = None) -> Door:
    def door(session: Session) -> None:
        key = {"pk": {"S": "file#neighbour"}}
        call = getattr(session.client("dynamodb"), action)
        call(TableName=table or session.deployed.ledger, Key=key)

    return door


def event(bus: str, detail_type: str = "Neighbour", source: str = "order-intake") -> Door:
    def door(session: Session) -> None:
        entry = {"Source": source, "DetailType": detail_type, "Detail": "{}"}
        name = session.deployed.bus_name(bus)
        session.client("events").put_events(Entries=[entry | {"EventBusName": name}])

    return door


def rows(session: Session) -> None:
    keys = {"Keys": [{"pk": {"S": "file#neighbour"}}]}
    client = session.client("dynamodb")
    client.batch_get_item(RequestItems={session.deployed.ledger: keys})


def index(session: Session) -> None:
    session.client("dynamodb").scan(TableName=session.deployed.ledger, IndexName="Unfinished")


def new_password(session: Session) -> None:
    name = f"{session.deployed.stage.prefix}/database"
    # A stage that no version may have: whoever is let in changes nothing.
    session.client("secretsmanager").update_secret_version_stage(
        SecretId=name, VersionStage="NEIGHBOUR", MoveToVersionId="0" * 36
    )


def start(session: Session) -> None:
    machine = f"stateMachine:{session.deployed.stage.prefix}-OrderIntake"
    arn = session.deployed.arn("states", machine)
    session.client("stepfunctions").start_execution(stateMachineArn=arn, input="no JSON")


def invoke(session: Session) -> None:
    name = f"{session.deployed.stage.prefix}-NotifyPartner"
    session.client("lambda").invoke(FunctionName=name, Payload=b"{}")


SECRETS = ("database", "database-owner", "rates-api", "partner-webhook")
DOORS: dict[str, Door] = {
    **{f"get {prefix}": get(prefix) for prefix in ("incoming", "work", "curated", "quarantine")},
    **{f"put {prefix}": put(prefix) for prefix in ("incoming", "work", "curated", "quarantine")},
    "put elsewhere": put("elsewhere"),
    **{f"list {prefix}": listing(prefix) for prefix in ("incoming", "work", "curated")},
    **{f"secret {name}": secret(name) for name in SECRETS},
    "read row": row("get_item"),
    "change row": row("update_item"),
    "delete row": row("delete_item"),
    "read many rows": rows,
    "read index": index,
    "change another table": row("update_item", "another-table"),
    **{
        f"announce {name}": event("orders", name)
        for name in ("OrderFileAccepted", "ApprovalRequested", "ReconciliationFinding", "Neighbour")
    },
    "decide as an operator": event("orders", "ApprovalDecided", "order-intake.operators"),
    "decide as a function": event("orders", "ApprovalDecided"),
    "event to default": event("default"),
    "start workflow": start,
    "change a secret": new_password,
    "call a function": invoke,
}
# What each function is there for; every other door is shut.
OPEN = {
    "IntakeSmallFile": {
        "get incoming", "get work", "get quarantine", "put work", "put curated", "put quarantine",
        "read row",
        "change row", "secret rates-api", "secret database", "announce OrderFileAccepted",
        "start workflow",
    },
    "RegisterFile": {"get incoming", "put work", "read row", "change row"},
    "FetchExchangeRates": {"secret rates-api", "read row", "change row"},
    "PriceChunk": {"get incoming", "get quarantine", "put work"},
    "AssessFile": {"get work"},
    "RequestApproval": {"change row", "announce ApprovalRequested"},
    "DecideApproval": {"read row", "change row"},
    "LoadOrders": {"get work", "put work", "read row", "change row", "secret database"},
    "CurateFile": {"get work", "put curated", "put quarantine", "change row"},
    "QuarantineFile": {"get work", "put quarantine", "change row"},
    "CloseFile": {"change row"},
    "MigrateDatabase": {"secret database-owner"},
    "NotifyPartner": {"secret partner-webhook"},
    "DailyReconciliation": {
        "list incoming", "read row", "read many rows", "change row", "secret database",
        "announce ReconciliationFinding",
    },
    "FindUnfinished": {
        "read many rows", "read index", "change row", "announce OrderFileAccepted",
        "announce ReconciliationFinding",
    },
    "RotateDatabaseSecret": {"secret database", "change a secret"},
}  # fmt: skip


def is_refused(session: Session, door: str) -> bool:
    """Whether IAM lets the session not in; any other error is met behind the door."""
    try:
        DOORS[door](session)
    except ClientError as error:
        return error.response["Error"]["Code"].startswith("AccessDenied")
    return False


@pytest.mark.parametrize("name", sorted(functions()))
def test_function_is_refused_at_its_neighbours_doors(deployed: Deployed, name: str) -> None:
    configuration = deployed.stage.client("lambda").get_function_configuration(
        FunctionName=f"{deployed.stage.prefix}-{name}"
    )
    session = Session(deployed, configuration["Role"])

    let_in = [door for door in sorted(set(DOORS) - OPEN[name]) if not is_refused(session, door)]

    assert let_in == []


def test_a_door_that_is_open_is_no_refusal(deployed: Deployed) -> None:
    configuration = deployed.stage.client("lambda").get_function_configuration(
        FunctionName=f"{deployed.stage.prefix}-PriceChunk"
    )
    session = Session(deployed, configuration["Role"])

    assert not is_refused(session, "get incoming")
