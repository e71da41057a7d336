"""RequestApproval: the question goes out, the token stays in."""

from typing import Any

import msgspec
import pytest

from order_intake.domain.errors import InvalidInput, ServiceBusy
from order_intake.handlers import decide_approval
from order_intake.handlers.request_approval import handler
from tests.unit.fakes import FakeCloud, client_error
from tests.unit.handlers.conftest import context, priced


@pytest.fixture
def payload(cloud: FakeCloud, started: dict[str, Any]) -> dict[str, Any]:
    done = priced(started, cloud)
    return {
        "file": done["file"],
        "totals": done["totals"],
        "task_token": "secret-token",
        "timeout_seconds": 3600,
    }


def test_the_question_names_the_sums_and_not_the_token(
    cloud: FakeCloud, payload: dict[str, Any]
) -> None:
    handler(payload, context())

    [question] = cloud.events.details("ApprovalRequested")
    assert question["house_total"] == "35.56"
    file_id = payload["file"]["file_id"]
    assert (question["question_id"], question["question"]) == (
        f"{file_id}-1-threshold",
        "threshold",
    )
    assert question["approval_threshold"] == "100000.00"
    assert question["answer_by"].endswith("Z")
    assert "secret-token" not in str(cloud.events.put)
    row = cloud.row(file_id)
    assert (row["status"], row["task_token"]) == ("AwaitingApproval", "secret-token")
    assert row["lines_in"] == 3


def test_asked_again_after_a_failure_the_new_token_counts(
    cloud: FakeCloud, payload: dict[str, Any]
) -> None:
    cloud.events.refuse = 1
    with pytest.raises(ServiceBusy):
        handler(payload, context())
    handler(payload | {"task_token": "second"}, context())

    assert cloud.row(payload["file"]["file_id"])["task_token"] == "second"
    assert len(cloud.events.details("ApprovalRequested")) == 1


def test_a_question_that_has_its_answer_is_not_asked_again(
    cloud: FakeCloud, payload: dict[str, Any]
) -> None:
    """Somebody decided between the first try's event and its retry, with the first one's token."""
    handler(payload, context())
    file_id = payload["file"]["file_id"]
    cloud.fail("send_task_success", client_error("TaskTimedOut"))
    detail = {"schema_version": "2.0", "file_id": file_id, "decision": "declined"}
    detail |= {"question_id": f"{file_id}-1-threshold", "decided_by": "ann"}
    source = {"source": "order-intake.operators", "detail-type": "ApprovalDecided"}
    decide_approval.handler(source | {"detail": detail}, context())

    answer: Any = handler(payload | {"task_token": "second"}, context())

    assert answer == {"answered": "declined"}
    assert cloud.step_functions.answered["second"]["decided_by"] == "ann"
    assert len(cloud.events.details("ApprovalRequested")) == 1
    assert "task_token" not in cloud.row(file_id)


@pytest.mark.parametrize("change", [{"task_token": ""}, {"timeout_seconds": 0}, {"totals": None}])
def test_what_does_not_decode_is_invalid_input(
    payload: dict[str, Any], change: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput):
        handler(payload | change, context())


def test_the_token_is_not_logged(payload: dict[str, Any], logged: Any) -> None:
    handler(payload, context())
    with pytest.raises(InvalidInput):
        handler(msgspec.to_builtins(payload) | {"totals": []}, context())

    assert "secret-token" not in logged.getvalue()
