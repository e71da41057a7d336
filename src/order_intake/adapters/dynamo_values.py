"""DynamoDB's typed values, for the types that the ledger keeps.

boto3's own serializer makes every number a Decimal and comes with the resource layer, which is
slow to start; the ledger has text, whole numbers, flags, and maps and lists of them, nothing else.
"""

from typing import Any

type Typed = dict[str, Any]


def encode(values: dict[str, Any]) -> dict[str, Typed]:
    """Give plain values as DynamoDB's: `{"a": 1}` → `{"a": {"N": "1"}}`."""
    return {name: _encode(value) for name, value in values.items()}


def decode(item: dict[str, Any]) -> dict[str, Any]:
    """Give an item of DynamoDB's as plain values: `{"a": {"N": "1"}}` → `{"a": 1}`."""
    return {name: _decode(value) for name, value in item.items()}


def _encode(value: Any) -> Typed:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": str(value)}
        case dict():
            return {"M": encode(value)}
        case list():
            return {"L": [_encode(one) for one in value]}
    raise TypeError(f"the ledger keeps no {type(value).__name__}")


def _decode(value: Typed) -> Any:
    [(kind, content)] = value.items()
    match kind:
        case "S" | "BOOL":
            return content
        case "N":
            return int(content)
        case "M":
            return decode(content)
        case "L":
            return [_decode(one) for one in content]
        case "NULL":
            return None
    raise TypeError(f"the ledger keeps no values of type {kind}")
