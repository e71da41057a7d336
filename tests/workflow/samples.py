"""A file on its way, as the states of the workflow see it."""

from typing import Any

import msgspec

from order_intake.domain.uploads import incoming_file, upload_of

BUCKET, KEY, VERSION = "uploads", "incoming/nordwind/a.csv", "v1"


def event(key: str = KEY, bucket: str = BUCKET) -> dict[str, Any]:
    """S3's notification of an upload."""
    return {
        "id": "correlation",
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": "2026-11-23T10:00:00Z",
        "detail": {
            "bucket": {"name": bucket},
            "object": {"key": key, "size": 70000, "version-id": VERSION},
        },
    }


def file_of(notification: dict[str, Any]) -> dict[str, Any]:
    """The file that the functions make of a notification."""
    described: dict[str, Any] = msgspec.to_builtins(
        incoming_file(upload_of(notification), "workflow")
    )
    return described


FILE = file_of(event())
TOTALS = {
    "lines_in": 3,
    "accepted": 2,
    "refused": {"date_invalid": 1},
    "orders": 1,
    "total": "10.00",
    "currency": "EUR",
    "house_total": "10.00",
    "house_currency": "EUR",
    "house_gross": "14.00",
}
RATES = {"currency": "EUR", "house_currency": "EUR", "rates": {}}
TERMS = {"approval_threshold": "100000.00", "tolerance": "0.01"}
REFUSAL = {"reason": "wrong_header", "explanation": "The header is wrong."}
