"""The orders bus: events out, in the form that their readers agreed on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from order_intake.adapters import aws_clients
from order_intake.domain.errors import ServiceBusy
from order_intake.domain.outcomes import SOURCE, check

if TYPE_CHECKING:
    from types_boto3_events.type_defs import PutEventsRequestEntryTypeDef

BATCH = 10  # PutEvents takes no more entries in one call


def announce(bus: str, detail_type: str, details: Sequence[object]) -> None:
    """Put one event for each detail onto the bus.

    Raises InvalidInput when one does not fit its schema: then none goes out. Raises ServiceBusy
    when the bus is busy or refused some of them. Those it had taken come again when the caller
    tries again: readers tell them by what they say, not by how often.
    """
    for detail in details:
        check(detail)
    entries: list[PutEventsRequestEntryTypeDef] = [
        {
            "EventBusName": bus,
            "Source": SOURCE,
            "DetailType": detail_type,
            "Detail": msgspec.json.encode(detail).decode(),
        }
        for detail in details
    ]
    for first in range(0, len(entries), BATCH):
        with aws_clients.service_calls("events"):
            answer = aws_clients.events().put_events(Entries=entries[first : first + BATCH])
        if answer["FailedEntryCount"]:
            codes = sorted({e["ErrorCode"] for e in answer["Entries"] if "ErrorCode" in e})
            raise ServiceBusy(f"events: PutEvents: {', '.join(codes) or 'entries refused'}")
