"""An upload's identity, and the keys of all objects that come of it."""

import hashlib
import re
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from order_intake.domain.errors import InvalidInput

Route = Literal["direct", "workflow"]

NO_PARTNER = "unknown"
"""Stands for the partner where the key names none that could exist."""

INCOMING = "incoming/"
"""Whatever lies under this prefix gets an outcome."""
_PARTNER = re.compile(INCOMING + r"([a-z0-9-]{1,40})/")
_CORRECTION = re.compile(_PARTNER.pattern + "corrections/([0-9a-f]{24})/.", re.DOTALL)


class Upload(msgspec.Struct, frozen=True):
    """One version of one object, as its notification describes it."""

    bucket: str
    key: str
    version_id: str
    size: int
    """Bytes."""
    uploaded_at: str
    """UTC, ISO 8601, `…Z`."""
    correlation_id: str
    """The id of the EventBridge event that reported it."""


class IncomingFile(msgspec.Struct, frozen=True):
    """An upload on its way: what every function knows of it."""

    file_id: str
    bucket: str
    key: str
    version_id: str
    partner: str
    size: int
    uploaded_at: str
    route: Route
    correlation_id: str


class _Bucket(msgspec.Struct):
    name: str


class _Object(msgspec.Struct, rename={"version_id": "version-id"}):
    key: str
    size: int
    version_id: str


class _Detail(msgspec.Struct):
    bucket: _Bucket
    object: _Object


class _ObjectCreated(msgspec.Struct, rename={"detail_type": "detail-type"}):
    id: str
    source: Literal["aws.s3"]
    detail_type: Literal["Object Created"]
    time: str
    detail: _Detail


def upload_of(event: Any) -> Upload:
    """Read S3's "Object Created" event as EventBridge delivers it (keys are not URL-encoded).

    Raises InvalidInput for anything else.
    """
    try:
        created = msgspec.convert(event, type=_ObjectCreated)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"no `Object Created` event of S3: {error}") from error
    upload = Upload(
        bucket=created.detail.bucket.name,
        key=created.detail.object.key,
        version_id=created.detail.object.version_id,
        size=created.detail.object.size,
        uploaded_at=created.time,
        correlation_id=created.id,
    )
    moment(upload.uploaded_at)
    return upload


def incoming_file(upload: Upload, route: Route) -> IncomingFile:
    """Give the upload its identity, its partner and its route."""
    return IncomingFile(
        file_id=file_id(upload.bucket, upload.key, upload.version_id),
        bucket=upload.bucket,
        key=upload.key,
        version_id=upload.version_id,
        partner=partner_of(upload.key) or NO_PARTNER,
        size=upload.size,
        uploaded_at=upload.uploaded_at,
        route=route,
        correlation_id=upload.correlation_id,
    )


def file_id(bucket: str, key: str, version_id: str) -> str:
    """Return the upload's identity: 24 hex digits, the same whenever it is asked for."""
    text = f"{bucket}\n{key}\n{version_id}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def partner_of(key: str) -> str | None:
    """Return the partner under whose prefix the key lies, or None if it lies under none.

    Folders below the prefix are the partner's own business, and so are names: what a file may be
    called is checked with its content.
    """
    match = _PARTNER.match(key)
    return match[1] if match else None


def corrected_file(key: str) -> str | None:
    """Return the id of the file whose refused lines an upload corrects, None when it does not.

    `incoming/<partner>/corrections/<file_id>/<name>`: a key is all that every client can choose.
    """
    match = _CORRECTION.match(key)
    return match[2] if match else None


def moment(text: str) -> datetime:
    """Read a UTC time in ISO 8601; raises InvalidInput when it is none."""
    try:
        value = datetime.fromisoformat(text)
        if value.tzinfo is None:
            raise InvalidInput(f"{text!r} lacks its time zone; write `Z` for UTC")
        return value.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{text!r} is no ISO 8601 time") from error


def manifest_key(file_id: str) -> str:
    """Return the key of the file's chunk manifest."""
    return f"work/{file_id}/manifest.json"


def priced_key(file_id: str, index: int) -> str:
    """Return the key of one chunk's priced lines."""
    return f"work/{file_id}/priced/{index:05}.csv"


def loaded_key(file_id: str, index: int) -> str:
    """Return the key of those priced lines of one chunk that were loaded, where not all were."""
    return f"work/{file_id}/loaded/{index:05}.csv"


def refused_key(file_id: str, index: int) -> str:
    """Return the key of one chunk's refused lines."""
    return f"work/{file_id}/refused/{index:05}.jsonl"


def refused_rows_key(file_id: str, index: int) -> str:
    """Return the key of one chunk's refused rows as CSV, without a header."""
    return f"work/{file_id}/refused_rows/{index:05}.csv"


def refused_numbers_key(file_id: str, index: int) -> str:
    """Return the key of the line numbers of one chunk's refused rows, all of them."""
    return f"work/{file_id}/refused_lines/{index:05}"


def result_key(file_id: str, index: int) -> str:
    """Return the key of one chunk's result (a ChunkResult as JSON)."""
    return f"work/{file_id}/results/{index:05}.json"


def refusals_prefix(file_id: str, execution: str) -> str:
    """Return under which keys an execution's chunks say how many of their lines are refused."""
    return f"work/{file_id}/refusals/{execution}/"


def curated_key(partner: str, file_id: str, index: int) -> str:
    """Return the key under which one chunk's priced lines are kept for good."""
    return f"curated/{partner}/{file_id}/{index:05}.csv"


def complete_key(partner: str, file_id: str) -> str:
    """Return the key of the note that all chunks of a file are under `curated/`."""
    return f"curated/{partner}/{file_id}/complete.json"


def quarantine_key(partner: str, file_id: str, index: int) -> str:
    """Return the key under which one chunk's refused lines are kept for the partner."""
    return f"quarantine/{partner}/{file_id}/{index:05}.jsonl"


def refused_file_key(partner: str, file_id: str) -> str:
    """Return the key of a file's refused lines in its partner's own format, to be corrected."""
    return f"quarantine/{partner}/{file_id}/refused.csv"


def refused_lines_key(partner: str, file_id: str) -> str:
    """Return the key of the line numbers of all refused lines of a file."""
    return f"quarantine/{partner}/{file_id}/refused_lines.json"


def reason_key(partner: str, file_id: str) -> str:
    """Return the key of the note that says why a whole file was rejected."""
    return f"quarantine/{partner}/{file_id}/reason.json"
