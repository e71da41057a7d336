"""CurateFile: keeps an accepted file's lines and writes its outcome, once."""

from typing import Any

import pytest

from order_intake.adapters.ledger import ClosedOtherwise
from order_intake.domain.errors import ServiceBusy
from order_intake.handlers.curate_file import handler
from tests.unit.fakes import FakeCloud, client_error
from tests.unit.handlers.conftest import context, priced


@pytest.fixture
def payload(cloud: FakeCloud, started: dict[str, Any]) -> dict[str, Any]:
    payload = priced(started, cloud) | {"approval": None}
    cloud.row(payload["file"]["file_id"])["loaded"] = True
    return payload


def test_lines_are_kept_and_the_outcome_is_written(
    cloud: FakeCloud, payload: dict[str, Any]
) -> None:
    answer: Any = handler(payload, context())

    file_id = payload["file"]["file_id"]
    kept = cloud.s3.objects("curated/")[f"curated/online-retail/{file_id}/00000.csv"]
    assert kept == cloud.s3.objects("work/")[f"work/{file_id}/priced/00000.csv"]
    refused = cloud.s3.objects("quarantine/")[f"quarantine/online-retail/{file_id}/00000.jsonl"]
    assert len(refused.splitlines()) == 1
    assert list(cloud.s3.versions)[-1] == f"curated/online-retail/{file_id}/complete.json"
    announcement = answer["announcement"]
    assert announcement["detail"]["loaded"] is True
    assert announcement["detail_type"] == "OrderFileAccepted"
    assert announcement["detail"]["decided_by"] is None
    assert announcement["detail"]["closed_at"] == cloud.row(file_id)["closed_at"]


def test_who_approved_is_reported_and_kept(cloud: FakeCloud, payload: dict[str, Any]) -> None:
    approval = {"decision": "approved", "decided_by": "ann"}
    answer: Any = handler(payload | {"approval": approval}, context())

    assert answer["announcement"]["detail"]["decided_by"] == "ann"
    assert cloud.row(payload["file"]["file_id"])["approval"] == approval


def test_a_retry_after_the_outcome_says_the_same(cloud: FakeCloud, payload: dict[str, Any]) -> None:
    cloud.fail("copy_object", client_error("SlowDown", 503))
    with pytest.raises(ServiceBusy):
        handler(payload, context())

    assert handler(payload, context()) == handler(payload, context())


def test_an_outcome_that_stands_is_not_overwritten(
    cloud: FakeCloud, payload: dict[str, Any]
) -> None:
    cloud.row(payload["file"]["file_id"])["status"] = "Failed"
    with pytest.raises(ClosedOtherwise):
        handler(payload, context())
    assert not cloud.s3.objects("curated/")


def test_who_lost_the_file_keeps_nothing(cloud: FakeCloud, payload: dict[str, Any]) -> None:
    cloud.row(payload["file"]["file_id"])["claimed_by"] = "another"
    with pytest.raises(ClosedOtherwise):
        handler(payload, context())
    assert not cloud.s3.objects("curated/")
    assert not cloud.s3.objects("quarantine/")


def test_an_execution_of_an_earlier_definition_says_itself_that_it_has_loaded(
    cloud: FakeCloud, payload: dict[str, Any]
) -> None:
    del cloud.row(payload["file"]["file_id"])["loaded"]
    del payload["claimant"]

    answer: Any = handler(payload | {"loaded": True}, context())

    assert answer["announcement"]["detail"]["loaded"] is True
