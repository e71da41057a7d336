"""PrintLabel: prints a label for each message of the queue."""

import json
from typing import Any


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Print a label for each message, and return how many there were."""
    for record in event["Records"]:
        parcel = json.loads(record["body"])
        print(f"label for {parcel['key']}")
    return {"labels": len(event["Records"])}
