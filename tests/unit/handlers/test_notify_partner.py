"""NotifyPartner: each outcome is posted to the partners' webhook."""

import io
import json
from typing import Any

import msgspec
import pytest

from order_intake import logs
from order_intake.adapters import http_calls
from order_intake.domain.errors import InvalidInput, WebhookUnavailable
from order_intake.handlers.notify_partner import handler
from tests.unit.fakes import FakeCloud, client_error
from tests.unit.handlers.conftest import context

DETAIL = {
    "schema_version": "2.0",
    "outcome": "Accepted",
    "file_id": "f1",
    "partner": "nordwind",
    "bucket": "uploads",
    "key": "incoming/nordwind/a.csv",
    "version_id": "v1",
    "route": "direct",
    "correlation_id": "c-1",
    "lines_in": 3,
    "accepted": 3,
    "refused": {},
    "orders": 1,
    "total": None,
    "currency": "EUR",
    "house_total": "12.50",
    "house_currency": "EUR",
    "reason": None,
    "explanation": None,
    "duplicate_of": None,
    "decided_by": None,
    "loaded": True,
    "closed_at": "2026-03-02T12:00:00Z",
}
EVENT = {"source": "order-intake", "detail-type": "OrderFileAccepted", "detail": DETAIL}


class Webhook:
    """Answers with the statuses that it is given, then with 204."""

    def __init__(self) -> None:
        self.statuses: list[int | Exception] = []
        self.calls: list[dict[str, Any]] = []

    def exchange(self, method: str, url: str, **rest: Any) -> tuple[int, bytes]:
        self.calls.append({"method": method, "url": url} | rest)
        answer = self.statuses.pop(0) if self.statuses else 204
        if isinstance(answer, Exception):
            raise answer
        return answer, b""


@pytest.fixture
def webhook(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> Webhook:
    fake = Webhook()
    monkeypatch.setattr(http_calls, "exchange", fake.exchange)
    cloud.secrets.values["arn:webhook"] = {"url": "https://partner.example/x", "api_key": "k1"}
    return fake


def test_an_outcome_is_posted_with_the_key_and_an_idempotency_key(webhook: Webhook) -> None:
    assert handler(EVENT, context())["delivered"] is True

    [call] = webhook.calls
    assert (call["method"], call["url"], call["api_key"]) == (
        "POST",
        "https://partner.example/x",
        "k1",
    )
    assert call["headers"]["Idempotency-Key"] == "f1:Accepted:2026-03-02T12:00:00Z"
    posted = msgspec.json.decode(call["body"])
    assert posted["total"] is None
    assert {name: posted[name] for name in DETAIL} == DETAIL


def test_additions_of_a_later_version_are_no_obstacle(webhook: Webhook) -> None:
    later = DETAIL | {"schema_version": "2.7", "weight": "12 kg"}

    assert handler(EVENT | {"detail": later, "trace": "x"}, context())["delivered"] is True
    assert len(webhook.calls) == 1


@pytest.mark.parametrize("missing", sorted(DETAIL))
def test_an_outcome_that_lacks_a_field_is_invalid_input(webhook: Webhook, missing: str) -> None:
    detail = {name: value for name, value in DETAIL.items() if name != missing}

    with pytest.raises(InvalidInput, match=missing):
        handler(EVENT | {"detail": detail}, context())
    assert not webhook.calls


def test_a_rotated_key_is_read_anew_once(cloud: FakeCloud, webhook: Webhook) -> None:
    handler(EVENT, context())
    cloud.secrets.values["arn:webhook"]["api_key"] = "k2"
    webhook.statuses = [401]

    assert handler(EVENT, context())["delivered"] is True
    assert [call["api_key"] for call in webhook.calls] == ["k1", "k1", "k2"]


@pytest.mark.parametrize(
    "statuses", [[401, 403], [500], [429], [302], [404], [http_calls.ExchangeFailed("down")]]
)
def test_what_is_not_delivered_is_kept_for_another_try(
    webhook: Webhook, statuses: list[int | Exception]
) -> None:
    webhook.statuses = statuses

    with pytest.raises(WebhookUnavailable):
        handler(EVENT, context())


def test_a_stage_without_a_webhook_delivers_nothing(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTNER_WEBHOOK_SECRET_ARN", "none")

    assert handler(EVENT, context()) == {
        "delivered": False,
        "explanation": "this stage has no partner webhook",
    }
    assert cloud.secrets.reads == 0


@pytest.mark.parametrize(
    "change",
    [
        {"detail": {}},
        {"detail": DETAIL | {"schema_version": "3.0"}},
        {"detail-type": "OrderFileRejected"},
        {"detail": DETAIL | {"outcome": "Lost"}},
    ],
)
def test_a_malformed_or_unknown_event_is_invalid_input(
    webhook: Webhook, change: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput):
        handler(EVENT | change, context())
    assert not webhook.calls


def batch(*events: object) -> dict[str, Any]:
    """Messages m0, m1 … as Lambda takes them out of the queue."""
    texts = [each if isinstance(each, str) else json.dumps(each) for each in events]
    records = [{"messageId": f"m{n}", "body": text} for n, text in enumerate(texts)]
    return {"Records": [record | {"eventSource": "aws:sqs"} for record in records]}


def left(answer: dict[str, Any]) -> list[str]:
    """The messages that stay in the queue."""
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def test_only_what_was_not_delivered_stays_in_the_queue(webhook: Webhook) -> None:
    webhook.statuses = [204, 500, 204]

    answer = handler(batch(EVENT, EVENT, EVENT), context())

    assert left(answer) == ["m1"]
    assert len(webhook.calls) == 3


def test_an_outcome_that_cannot_be_read_is_put_aside_at_once(
    cloud: FakeCloud, webhook: Webhook
) -> None:
    unknown = EVENT | {"detail": DETAIL | {"schema_version": "99.0"}}

    assert left(handler(batch(unknown, "no JSON", EVENT), context())) == []

    assert len(webhook.calls) == 1
    assert [each["MessageBody"] for each in cloud.sqs.sent] == [json.dumps(unknown), "no JSON"]
    for sent in cloud.sqs.sent:
        assert sent["QueueUrl"] == "https://sqs/outcomes-dlq"
        assert sent["MessageAttributes"]["ERROR"]["StringValue"] == "InvalidInput"


@pytest.mark.usefixtures("webhook")
def test_what_cannot_be_put_aside_stays_in_the_queue(cloud: FakeCloud) -> None:
    cloud.fail("send_message", client_error("ThrottlingException"))

    assert left(handler(batch("no JSON"), context())) == ["m0"]


def test_a_bug_keeps_its_message_and_no_other(webhook: Webhook) -> None:
    webhook.statuses = [TypeError("a bug"), 204]

    assert left(handler(batch(EVENT, EVENT), context())) == ["m0"]


def test_a_secret_that_does_not_read_keeps_the_messages(cloud: FakeCloud, webhook: Webhook) -> None:
    cloud.secrets.values["arn:webhook"] = {"url": "https://partner.example/x"}

    assert left(handler(batch(EVENT), context())) == ["m0"]
    assert cloud.sqs.sent == []
    assert webhook.calls == []


def test_what_would_not_end_in_time_is_not_begun(webhook: Webhook) -> None:
    two_exchanges = 2 * int(http_calls.WHOLE_SECONDS * 1000)
    late, just_in_time = context(), context()
    late.milliseconds = two_exchanges - 1
    just_in_time.milliseconds = two_exchanges

    assert left(handler(batch(EVENT, EVENT), late)) == ["m0", "m1"]
    assert webhook.calls == []
    assert left(handler(batch(EVENT), just_in_time)) == []


@pytest.mark.usefixtures("webhook")
def test_each_message_has_log_keys_of_its_own(logged: io.StringIO) -> None:
    of_workflow = EVENT | {"resources": ["arn:aws:states:x:0:execution:OrderIntake:e-1"]}

    handler(batch(of_workflow, EVENT), context("NotifyPartner"))

    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    reported = [line for line in lines if line.get("message") == "notified"]
    assert [line.get("execution") for line in reported] == ["e-1", None]
    assert [line["message_id"] for line in reported] == ["m0", "m1"]


@pytest.mark.usefixtures("webhook")
def test_its_log_names_the_execution_that_sent_the_outcome() -> None:
    states = "arn:aws:states:eu-central-1:000000000000"
    resources = [f"{states}:execution:OrderIntake:e-1", f"{states}:stateMachine:OrderIntake"]

    handler(EVENT | {"resources": resources}, context("NotifyPartner"))
    assert logs.logger.get_current_keys()["execution"] == "e-1"

    handler(EVENT | {"resources": []}, context("NotifyPartner"))
    assert "execution" not in logs.logger.get_current_keys()
