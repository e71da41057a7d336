"""Times as text."""

from datetime import UTC, datetime


def stamp(moment: datetime) -> str:
    """Give a time as the ledger and the events have it: UTC, ISO 8601, to the second, `…Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
