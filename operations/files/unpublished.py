"""A file whose outcome stands in the ledger and was not published: its writer ended before that."""

import json
import time
from typing import Any

import msgspec

from operations.deployed import Deployed
from operations.files.order_file import FINAL, Row, execution_of
from order_intake.adapters import dynamo_values
from order_intake.adapters.ledger import FileRow
from order_intake.domain import outcomes
from order_intake.pipeline.announcements import announcement_of
from workbench.stages.errors import UserError

# How the workflow ends when it has published that a file is refused.
BY_DESIGN = {"OrderFileRejected", "OrderFileDeclined", "OrderFileFailed"}


def is_unpublished(deployed: Deployed, row: Row) -> bool:
    """Whether the execution or the call that wrote a file's outcome ended before announcing it."""
    if row["status"] not in FINAL or row.get("announced"):
        return False
    execution = execution_of(row)
    if execution is None:  # the direct route notes what it has announced
        return bool(row["claim_expires_at"] < time.time())
    answer = deployed.stage.client("stepfunctions").describe_execution(executionArn=execution)
    if answer["status"] in ("RUNNING", "SUCCEEDED"):
        return False
    return answer.get("error") not in BY_DESIGN


def publish(deployed: Deployed, file_id: str) -> None:
    """Announce the outcome as the row has it, and note in the row that this was done.

    Who has got it already knows the event again by its file, outcome and `closed_at`. Raises
    UserError when the bus refuses the event.
    """
    table, key = deployed.stage.client("dynamodb"), {"pk": {"S": f"file#{file_id}"}}
    item: Any = table.get_item(TableName=deployed.ledger, Key=key, ConsistentRead=True)["Item"]
    announcement = announcement_of(msgspec.convert(dynamo_values.decode(item), FileRow))
    answer = deployed.stage.client("events").put_events(
        Entries=[
            {
                "EventBusName": deployed.orders_bus,
                "Source": outcomes.SOURCE,
                "DetailType": announcement.detail_type,
                "Detail": json.dumps(msgspec.to_builtins(announcement.detail)),
            }
        ]
    )
    if answer["FailedEntryCount"]:
        why = answer["Entries"][0].get("ErrorMessage", "no reason given")
        raise UserError(f"the bus {deployed.orders_bus} refused the event: {why}")
    table.update_item(
        TableName=deployed.ledger,
        Key=key,
        UpdateExpression="SET announced = :yes REMOVE unfinished",
        ExpressionAttributeValues={":yes": {"BOOL": True}},
    )
