"""RequestApproval: puts a file before a person. The workflow waits for the answer.

The task token stays in the ledger; what goes out on the bus cannot resume anything.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import environment, logs, payloads
from order_intake.adapters import bus
from order_intake.adapters.ledger import FIRST_KIND, LEASE_WORKFLOW, Ledger
from order_intake.domain import clock, outcomes
from order_intake.domain.errors import InvalidInput
from order_intake.domain.results import Totals
from order_intake.pipeline import approvals


class Payload(payloads.Step, frozen=True, kw_only=True):
    """What the workflow hands in."""

    totals: Totals
    question: outcomes.QuestionKind = FIRST_KIND
    task_token: Annotated[str, msgspec.Meta(min_length=1)]
    timeout_seconds: Annotated[int, msgspec.Meta(ge=1)]


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Give the time until which an answer counts; the workflow resumes with the answer itself.

    A question that has its answer is not asked again: the workflow resumes with that.
    """
    settings = environment.read(environment.RequestApproval)
    payload = payloads.decode(event, Payload)
    file = payload.file
    payload.log()
    ledger = Ledger(settings.ledger_table)
    answer_by = datetime.now(UTC) + timedelta(seconds=payload.timeout_seconds)
    row = ledger.await_approval(
        file.file_id,
        payload.question,
        payload.task_token,
        payload.totals,
        answer_by + LEASE_WORKFLOW,
    )
    if row.answer:
        # Given between an earlier try of this state and this one, whose token is another.
        resumed = approvals.resume(payload.task_token, row.answer)
        ledger.forget_token(file.file_id, payload.task_token)
        logs.logger.info("answered_before", question_id=row.question_id, resumed=resumed)
        return {"answered": row.answer.decision}
    if row.terms is None:
        raise InvalidInput(f"the ledger has no terms for {file.file_id}")
    question = outcomes.approval_requested(
        file,
        payload.totals,
        question_id=row.question_id,
        question=payload.question,
        approval_threshold=row.terms["approval_threshold"],
        orders_there=row.orders_there if payload.question == "orders" else None,
        answer_by=clock.stamp(answer_by),
    )
    bus.announce(settings.orders_bus, "ApprovalRequested", [question])
    logs.logger.info("asked", question_id=row.question_id, answer_by=question.answer_by)
    return {"answer_by": question.answer_by}
