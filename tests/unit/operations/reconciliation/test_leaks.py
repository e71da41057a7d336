import json
from datetime import UTC, datetime
from typing import Any

import pytest

from operations.deployed import Deployed
from operations.reconciliation import leaks as searching
from operations.reconciliation.leaks import HistoryEvent, leaks, texts, tokens

NEEDLES = {"s3cret-value": "password of the secret database", "K-1001": "customer in f"}


def test_a_value_is_found_wherever_it_is_and_never_told() -> None:
    texts = [("log a", "all is well"), ("event b", '{"by": "K-1001"}'), ("log c", "x=s3cret-value")]

    found = leaks(NEEDLES, texts)

    assert found == [
        "customer in f is in: event b",
        "password of the secret database is in: log c",
    ]
    assert "s3cret-value" not in "".join(found)


def test_a_part_of_another_word_is_no_find() -> None:
    assert leaks(NEEDLES, [("log a", "K-10011 and AK-1001")]) == []


def test_nothing_to_look_for_is_found_nowhere() -> None:
    assert leaks({}, [("log a", "anything")]) == []


EXECUTION = "arn:aws:states:eu-central-1:000000000000:execution:order-intake-local-OrderIntake:one"
PAYLOAD = {"file": {"file_id": "f"}, "task_token": "t0ken"}
WAITING = {
    "type": "TaskScheduled",
    "taskScheduledEventDetails": {
        "resource": "invoke.waitForTaskToken",
        "resourceType": "lambda",
        "parameters": json.dumps({"FunctionName": "RequestApproval", "Payload": PAYLOAD}),
    },
}
TOLD = {"type": "TaskSucceeded", "taskSucceededEventDetails": {"output": '{"by": "t0ken"}'}}


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stage whose logs say nothing."""
    monkeypatch.setattr(searching, "_logs", lambda *_: [])
    return Deployed.__new__(Deployed)


def test_a_token_is_known_from_the_task_that_waited_for_it() -> None:
    assert tokens([], {EXECUTION: [WAITING, TOLD]}) == {"t0ken": "task token of the execution one"}


@pytest.mark.parametrize(
    ("history", "event", "where"),
    [
        ([WAITING], {}, []),
        ([WAITING, TOLD], {}, ["history of one"]),
        ([WAITING], {"detail": {"token": "t0ken"}}, ["event ApprovalRequested"]),
    ],
)
def test_a_token_may_be_nowhere_else(
    deployed: Deployed, history: list[HistoryEvent], event: dict[str, Any], where: list[str]
) -> None:
    histories = {EXECUTION: history}
    events = [{"detail-type": "ApprovalRequested"} | event]

    found = leaks(tokens([], histories), texts(deployed, histories, events, datetime.now(UTC)))

    assert found == [f"task token of the execution one is in: {each}" for each in where]
