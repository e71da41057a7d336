"""NotifyPartner: tells the partners' webhook each outcome that comes over the orders bus."""

from typing import Literal

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import environment, handover, logs, outcomes, payloads, webhook
from order_intake.errors import InvalidInput


class Event(msgspec.Struct, frozen=True, rename={"detail_type": "detail-type"}):
    """An outcome as EventBridge delivers it; the workflow's names its execution.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html
    """

    source: Literal["order-intake"]
    detail_type: str
    detail: outcomes.ReadableOutcome
    resources: tuple[str, ...] = ()


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Tell whether the outcome was delivered; not, where the stage has no webhook.

    An event that is no outcome of a version that this code knows raises InvalidInput, and so ends
    in the dead-letter queue for somebody to look at.
    """
    settings = environment.read(environment.NotifyPartner)
    told = payloads.decode(event, Event)
    detail = told.detail
    executions = map(handover.execution_name_of, told.resources)
    logs.about(
        file_id=detail.file_id,
        correlation_id=detail.correlation_id,
        execution=next((name for name in executions if name), None),
    )
    if told.detail_type != f"OrderFile{detail.outcome}":
        raise InvalidInput(f"{told.detail_type} does not announce the outcome {detail.outcome}")
    delivered, explanation = webhook.tell(settings.partner_webhook_secret_arn, detail)
    logs.logger.info("notified", delivered=delivered, explanation=explanation)
    return {"delivered": delivered, "explanation": explanation}
