"""DecideApproval: the first decision resumes the workflow; any other one is refused."""

from datetime import UTC, datetime
from typing import Any
from unittest.mock import Mock

import pytest

from order_intake.adapters.ledger import Ledger
from order_intake.domain import outcomes
from order_intake.domain.errors import InvalidInput, ServiceBusy
from order_intake.handlers import request_approval
from order_intake.handlers.decide_approval import handler
from order_intake.pipeline import approvals
from tests.unit.fakes import FakeCloud, client_error
from tests.unit.handlers.conftest import context, priced


def decision(
    file_id: str, decided: str = "approved", by: str = "ann", run: int = 1
) -> dict[str, Any]:
    return {
        "id": "event-2",
        "source": "order-intake.operators",
        "detail-type": "ApprovalDecided",
        "detail": {
            "schema_version": "2.0",
            "file_id": file_id,
            "question_id": f"{file_id}-{run}-threshold",
            "decision": decided,
            "decided_by": by,
        },
    }


class Killed(BaseException):
    """The function is ended from outside."""


@pytest.fixture
def waiting(cloud: FakeCloud, started: dict[str, Any]) -> str:
    """Give the id of a file that waits for a decision."""
    done = priced(started, cloud)
    payload = {
        "file": done["file"],
        "totals": done["totals"],
        "task_token": "token-1",
        "timeout_seconds": 3600,
    }
    request_approval.handler(payload, context())
    return str(done["file"]["file_id"])


def test_the_workflow_is_reported_the_decision_and_the_token_is_gone(
    cloud: FakeCloud, waiting: str
) -> None:
    answer = handler(decision(waiting), context())

    assert answer["applied"] is True
    assert cloud.step_functions.answered == {
        "token-1": {
            "decision": "approved",
            "decided_by": "ann",
            "question_id": f"{waiting}-1-threshold",
        }
    }
    assert "task_token" not in cloud.row(waiting)


def test_a_second_decision_is_not_applied(cloud: FakeCloud, waiting: str) -> None:
    handler(decision(waiting), context())
    answer = handler(decision(waiting, "declined", "ben"), context())

    assert answer["applied"] is False
    assert answer["explanation"] == "the file was approved before, by ann"
    assert len(cloud.step_functions.answered) == 1


def test_an_unknown_file_is_no_failure(cloud: FakeCloud) -> None:
    answer = handler(decision("0" * 24), context())

    assert (answer["applied"], answer["explanation"]) == (
        False,
        "there is no file with this id",
    )


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_decision_after_the_timeout_is_not_applied(
    cloud: FakeCloud, waiting: str, code: str
) -> None:
    cloud.fail("send_task_success", client_error(code))
    answer = handler(decision(waiting), context())

    assert answer["applied"] is False
    assert "or the time was up" in str(answer["explanation"])
    assert "task_token" not in cloud.row(waiting)


@pytest.mark.parametrize("fault", [Killed(), client_error("ThrottlingException")])
def test_a_decision_that_was_sent_stands_though_noting_it_failed(
    cloud: FakeCloud, waiting: str, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    """Ended between SendTaskSuccess and the ledger: Lambda delivers the decision again."""
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "forget_token", Mock(side_effect=fault))
        with pytest.raises(type(fault)):
            handler(decision(waiting), context())
    cloud.fail("send_task_success", client_error("TaskTimedOut"))

    answer: dict[str, Any] = handler(decision(waiting), context())

    assert answer["applied"] is False
    assert "it has one already" in answer["explanation"]
    assert cloud.row(waiting)["approval"]["decision"] == "approved"
    assert cloud.step_functions.answered["token-1"]["decision"] == "approved"


def test_of_two_deliveries_at_once_one_is_applied_and_none_is_undone(
    cloud: FakeCloud, waiting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second meets the row before the first has removed the token, and a used token after."""
    answers: list[Any] = []
    resume = approvals.resume

    def overtaken(token: str, approval: outcomes.Approval) -> bool:
        monkeypatch.setattr(approvals, "resume", resume)
        answers.append(handler(decision(waiting), context()))
        cloud.fail("send_task_success", client_error("TaskTimedOut"))
        return resume(token, approval)

    monkeypatch.setattr(approvals, "resume", overtaken)
    second: dict[str, Any] = handler(decision(waiting), context())

    assert answers[0]["applied"] is True
    assert second["explanation"] == "the file was approved before, by ann"
    assert cloud.row(waiting)["approval"]["decision"] == "approved"


def test_a_decision_that_could_not_be_told_is_reported_by_the_retry(
    cloud: FakeCloud, waiting: str
) -> None:
    cloud.fail("send_task_success", client_error("ThrottlingException"))
    with pytest.raises(ServiceBusy):
        handler(decision(waiting), context())

    # Meanwhile another one comes: the first stays the first.
    assert handler(decision(waiting, "declined", "ben"), context())["applied"] is False
    assert handler(decision(waiting), context())["applied"] is True
    assert cloud.step_functions.answered["token-1"]["decision"] == "approved"


def test_a_file_with_an_outcome_is_not_decided(cloud: FakeCloud, waiting: str) -> None:
    cloud.row(waiting)["status"] = "Failed"

    assert handler(decision(waiting), context())["explanation"] == (
        "the file has its outcome: Failed"
    )


def test_a_decision_about_an_earlier_run_answers_no_later_question(
    cloud: FakeCloud, started: dict[str, Any], waiting: str
) -> None:
    """Run 1 was approved and failed; run 2 asks again, and the old event comes once more."""
    handler(decision(waiting), context())
    Ledger("ledger").close(waiting, "Failed", {"reason": "DatabaseRefused"}, datetime.now(UTC))
    done = priced(started | {"claimant": "execution-2"}, cloud)
    payload = {"file": done["file"], "totals": done["totals"], "task_token": "token-2"}
    request_approval.handler(payload | {"timeout_seconds": 3600}, context())

    answer = handler(decision(waiting), context())

    assert answer["applied"] is False
    assert answer["explanation"] == (
        f"it answers {waiting}-1-threshold; the file waits for an answer to {waiting}-2-threshold"
    )
    assert "token-2" not in cloud.step_functions.answered
    assert handler(decision(waiting, run=2), context())["applied"] is True


def test_a_decision_of_version_1_is_refused_with_a_reason(
    cloud: FakeCloud, waiting: str, logged: Any
) -> None:
    old = decision(waiting)
    old["detail"] |= {"schema_version": "1.0"}
    del old["detail"]["question_id"]

    answer: dict[str, Any] = handler(old, context())

    assert (answer["file_id"], answer["applied"]) == (waiting, False)
    assert "schema version 1.0 does not say which question it answers" in answer["explanation"]
    assert answer["explanation"] in logged.getvalue()
    assert cloud.step_functions.answered == {}
    assert handler(decision(waiting), context())["applied"] is True


def test_a_row_that_waits_since_before_questions_had_names_is_answered(
    cloud: FakeCloud, waiting: str
) -> None:
    del cloud.row(waiting)["question"]

    assert handler(decision(waiting, run=2), context())["applied"] is False
    assert handler(decision(waiting), context())["applied"] is True


@pytest.mark.parametrize(
    "question_id", ["", "f", "f-1-threshold", "{}-1-orders", "{}-01-threshold"]
)
def test_another_question_is_not_answered(cloud: FakeCloud, waiting: str, question_id: str) -> None:
    event = decision(waiting)
    event["detail"]["question_id"] = question_id.format(waiting)

    assert handler(event, context())["applied"] is False
    assert "approval" not in cloud.row(waiting)


def test_additions_of_a_later_version_are_no_obstacle(cloud: FakeCloud, waiting: str) -> None:
    later = decision(waiting)
    later["detail"] |= {"schema_version": "2.7", "remark": "fine"}

    assert handler(later | {"trace": "x"}, context())["applied"] is True
    assert cloud.step_functions.answered["token-1"]["decision"] == "approved"


@pytest.mark.parametrize("missing", sorted(decision("f1")["detail"]))
def test_a_decision_that_lacks_a_field_is_invalid_input(
    cloud: FakeCloud, waiting: str, missing: str
) -> None:
    event = decision(waiting)
    del event["detail"][missing]

    with pytest.raises(InvalidInput, match=missing):
        handler(event, context())
    assert cloud.step_functions.answered == {}


@pytest.mark.parametrize(
    "change",
    [
        {"detail": {}},
        {"source": "order-intake"},
        {"detail": decision("f1", "perhaps")["detail"]},
        {"detail": decision("f1")["detail"] | {"schema_version": "9.0"}},
    ],
)
def test_a_malformed_decision_is_invalid_input(cloud: FakeCloud, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        handler(decision("f1") | change, context())
