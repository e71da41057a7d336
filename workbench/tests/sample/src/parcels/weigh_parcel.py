"""WeighParcel: says how heavy a parcel is."""

from typing import Any

LIMIT = 100  # grams


class TooHeavy(Exception):
    """Nobody carries this parcel."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the parcel's weight: a gram a byte. Raises TooHeavy above the limit."""
    grams = int(event["size"])
    if grams > LIMIT:
        raise TooHeavy(f"{event['key']} has {grams} g; the limit is {LIMIT} g")
    return {"grams": grams}
