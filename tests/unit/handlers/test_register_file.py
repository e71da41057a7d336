"""RegisterFile: claims, checks and cuts; its answer decides the workflow's way."""

from typing import Any

import msgspec
import pytest

from order_intake.domain.errors import InvalidInput, ServiceBusy
from order_intake.handlers.register_file import handler
from tests.unit.fakes import FakeCloud, client_error
from tests.unit.handlers.conftest import GOOD, HEADER, Put, context, upload_in


def test_a_good_file_is_registered_with_its_manifest(
    cloud: FakeCloud, started: dict[str, Any]
) -> None:
    answer: Any = handler(started, context())

    assert answer["status"] == "registered"
    assert answer["chunks"] == 1
    file_id = answer["file"]["file_id"]
    assert answer["file"]["route"] == "workflow"
    assert answer["manifest"] == {"bucket": "uploads", "key": f"work/{file_id}/manifest.json"}
    [chunk] = msgspec.json.decode(cloud.s3.objects("work/")[answer["manifest"]["key"]])
    assert (chunk["index"], chunk["start"], chunk["first_line"]) == (0, len(HEADER), 2)
    row = cloud.row(file_id)
    assert (row["status"], row["claimed_by"], row["chunks"]) == ("Registered", "execution-1", 1)
    assert row["terms"] == {"approval_threshold": "100000.00", "tolerance": "0.01"}


def test_a_retry_gives_the_same_answer(cloud: FakeCloud, started: dict[str, Any]) -> None:
    cloud.fail("put_object", client_error("SlowDown", 503))
    with pytest.raises(ServiceBusy):
        handler(started, context())

    assert handler(started, context()) == handler(started, context())


def test_another_execution_is_reported_that_the_file_is_taken(started: dict[str, Any]) -> None:
    handler(started, context())

    assert handler(started | {"claimant": "execution-2"}, context()) == {"status": "taken"}


@pytest.mark.parametrize(
    ("body", "key", "reason"),
    [
        (b"\x00\x01\x02", "incoming/online-retail/a.csv", "binary_content"),
        (HEADER + GOOD, "incoming/nobody/a.csv", "unknown_partner"),
        (HEADER + GOOD * 2000, "incoming/online-retail/a.csv", "too_large"),
        (HEADER + GOOD, "incoming/a.csv", "unknown_partner"),
        (HEADER + GOOD, "incoming/a.txt", "unknown_partner"),
        (HEADER + GOOD * 2000, "incoming/online-retail/a.csv.gz", "wrong_file_type"),
        (b"", "incoming/online-retail/2026/", "not_a_file"),
        (b"", "incoming/", "not_a_file"),
    ],
)
def test_a_file_at_fault_is_refused_with_its_reason(
    cloud: FakeCloud, put: Put, body: bytes, key: str, reason: str
) -> None:
    answer: Any = handler(upload_in(put(body, key)), context())

    assert (answer["status"], answer["reason"]) == ("refused", reason)
    assert answer["explanation"]
    # The outcome is QuarantineFile's to write.
    assert cloud.row(answer["file"]["file_id"])["status"] == "Registered"


def test_a_duplicate_is_closed_and_announced_alike_however_often(
    cloud: FakeCloud, put: Put, started: dict[str, Any]
) -> None:
    handler(started, context())
    [(body_key, history)] = [(k, h) for k, h in cloud.s3.versions.items() if "incoming" in k]
    again = upload_in(put(history[0][1], body_key)) | {"claimant": "execution-2"}

    first: Any = handler(again, context())
    second = handler(again, context())

    assert first == second
    assert first["status"] == "duplicate"
    assert first["announcement"]["detail_type"] == "OrderFileDuplicate"
    assert first["announcement"]["detail"]["duplicate_of"]
    assert cloud.row(first["file"]["file_id"])["status"] == "Duplicate"


def test_what_does_not_decode_is_invalid_input(cloud: FakeCloud) -> None:
    with pytest.raises(InvalidInput, match="upload"):
        handler({"claimant": "execution-1"}, context())
