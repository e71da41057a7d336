"""Giving a person's decision about a file that awaits one: an event on the orders bus."""

import getpass
import json

from operations.deployed import Deployed
from operations.files.order_file import question_of, read_row
from workbench.stages.errors import UserError
from workbench.stages.stage import PROJECT

DECISIONS = ("approved", "declined")


def give_decision(deployed: Deployed, file_id: str, decision: str, decided_by: str) -> None:
    """Announce `decision` (approved or declined) about the question that the file waits with.

    The rule ApprovalDecided takes it from there. Raises UserError when there is no such file, or
    when the bus refuses the event.
    """
    row = read_row(deployed, file_id)
    if row is None:
        raise UserError(f"no file {file_id!r} on stage {deployed.stage.name}; make send prints ids")
    detail = {
        "schema_version": "2.0",
        "file_id": file_id,
        "question_id": question_of(row),
        "decision": decision,
        "decided_by": decided_by,
    }
    answer = deployed.stage.client("events").put_events(
        Entries=[
            {
                "EventBusName": deployed.orders_bus,
                "Source": f"{PROJECT}.operators",
                "DetailType": "ApprovalDecided",
                "Detail": json.dumps(detail),
            }
        ]
    )
    if answer["FailedEntryCount"]:
        why = answer["Entries"][0].get("ErrorMessage", "no reason given")
        raise UserError(f"the bus {deployed.orders_bus} refused the decision: {why}")


def me() -> str:
    """Who decides when nobody is named: the user of this laptop."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "operator"
