"""NotifyPartner: reports each outcome to the partners' webhook.

The outcomes come in batches from a queue that the orders bus feeds. What the webhook does not take
stays in the queue and comes back; what this code cannot read is put aside at once.
"""

from typing import Literal

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import environment, logs, payloads
from order_intake.adapters import aws_clients, http_calls, webhook
from order_intake.domain import outcomes
from order_intake.domain.errors import InvalidInput, PermanentError, TransientError
from order_intake.pipeline import handover

# A message that is begun must end before Lambda ends the call: two exchanges with the webhook, the
# second with a key that was read anew.
LONGEST_DELIVERY_MS = 2 * int(http_calls.WHOLE_SECONDS * 1000)


class Event(msgspec.Struct, frozen=True, rename={"detail_type": "detail-type"}):
    """An outcome as EventBridge delivers it; the workflow's names its execution.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html
    """

    source: Literal["order-intake"]
    detail_type: str
    detail: outcomes.ReadableOutcome
    resources: tuple[str, ...] = ()


class Message(msgspec.Struct, frozen=True, rename={"message_id": "messageId"}):
    """One message of the queue: an event as text."""

    message_id: str
    body: str


class Batch(msgspec.Struct, frozen=True, rename={"messages": "Records"}):
    """Messages of the queue, as Lambda hands them over.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """

    messages: tuple[Message, ...]


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Return which messages of the batch were not delivered: they stay in the queue.

    A single event, called with by hand, is answered with whether it was delivered; it raises
    WebhookUnavailable, and InvalidInput when it is not an outcome of a version that is known here.
    """
    settings = environment.read(environment.NotifyPartner)
    if not (isinstance(event, dict) and "Records" in event):
        delivered, explanation = _deliver(settings, event)
        return {"delivered": delivered, "explanation": explanation}
    batch = payloads.decode(event, Batch)
    left = [
        message.message_id
        for message in batch.messages
        if context.get_remaining_time_in_millis() < LONGEST_DELIVERY_MS
        or not _is_done(settings, message)
    ]
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    return {"batchItemFailures": [{"itemIdentifier": each} for each in left]}


def _is_done(settings: environment.NotifyPartner, message: Message) -> bool:
    """Deliver a message; True when the queue may forget it."""
    logs.about(message_id=message.message_id)
    try:
        _deliver(settings, _decoded(message.body))
    except InvalidInput as error:
        logs.logger.warning("put aside", error=type(error).__name__, explanation=str(error))
        return _is_put_aside(settings.outcomes_dead_letter_queue_url, message, error)
    except (TransientError, PermanentError) as error:
        logs.logger.warning("failed", error=type(error).__name__, explanation=str(error))
        return False
    except Exception as error:
        # A bug, or a wrong deployment: the other messages of the batch have nothing to do with it.
        logs.logger.exception("failed", error=type(error).__name__)
        return False
    finally:
        logs.forget("message_id", "file_id", "correlation_id", "execution")
    return True


def _deliver(settings: environment.NotifyPartner, event: object) -> tuple[bool, str]:
    """Post one outcome; give whether it was delivered (not, without a webhook), and a sentence."""
    announced = payloads.decode(event, Event)
    detail = announced.detail
    executions = map(handover.execution_name_of, announced.resources)
    logs.about(
        file_id=detail.file_id,
        correlation_id=detail.correlation_id,
        execution=next((name for name in executions if name), None),
    )
    if announced.detail_type != f"OrderFile{detail.outcome}":
        raise InvalidInput(
            f"{announced.detail_type} does not announce the outcome {detail.outcome}"
        )
    delivered, explanation = webhook.tell(settings.partner_webhook_secret_arn, detail)
    logs.logger.info("notified", delivered=delivered, explanation=explanation)
    return delivered, explanation


def _decoded(body: str) -> object:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise InvalidInput(f"the message is not valid JSON: {error}") from error


def _is_put_aside(queue: str, message: Message, error: Exception) -> bool:
    """Move a message to the dead-letter queue now: no further try would read it."""
    try:
        with aws_clients.service_calls("sqs"):
            aws_clients.sqs().send_message(
                QueueUrl=queue,
                MessageBody=message.body,
                MessageAttributes={
                    "ERROR": {"DataType": "String", "StringValue": type(error).__name__}
                },
            )
    except TransientError as busy:
        logs.logger.warning("failed", error=type(busy).__name__, explanation=str(busy))
        return False
    return True
