"""QuarantineFile: keeps what was refused, and why, and writes the outcome."""

from typing import Any

import msgspec

from order_intake.handlers.quarantine_file import handler
from tests.unit.fakes import FakeCloud
from tests.unit.handlers.conftest import context, priced, registered

WHY = {"reason": "too_many_refused_lines", "explanation": "1 of 3 lines were refused"}


def test_refused_lines_and_reason_are_kept(cloud: FakeCloud, started: dict[str, Any]) -> None:
    payload = priced(started, cloud) | WHY
    answer: Any = handler(payload, context())

    folder = f"quarantine/online-retail/{payload['file']['file_id']}"
    kept = cloud.s3.objects("quarantine/")
    assert set(kept) == {f"{folder}/00000.jsonl", f"{folder}/reason.json"}
    assert msgspec.json.decode(kept[f"{folder}/reason.json"]) == WHY
    detail = answer["announcement"]["detail"]
    assert (detail["outcome"], detail["reason"], detail["lines_in"]) == (
        "Rejected",
        WHY["reason"],
        3,
    )
    assert handler(payload, context()) == answer


def test_a_file_that_was_refused_unread_has_no_totals(
    cloud: FakeCloud, started: dict[str, Any]
) -> None:
    file = registered(started)["file"]
    why = {"reason": "wrong_header", "explanation": "the header reads otherwise"}
    answer: Any = handler({"file": file, "chunks": 0, "totals": None} | why, context())

    assert answer["announcement"]["detail"]["lines_in"] is None
    assert [key.rsplit("/", 1)[1] for key in cloud.s3.objects("quarantine/")] == ["reason.json"]
