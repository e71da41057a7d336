"""DecideApproval: takes a person's answer from the bus and resumes the workflow with it.

The first decision about a question counts, and answers no other question. It is written down before
the workflow is resumed, and the token goes only after: a call that fails in between is repeated by
Lambda and does the same again. What was written down is never taken back.
"""

from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import environment, logs
from order_intake.adapters.ledger import FileRow, Ledger
from order_intake.domain import outcomes
from order_intake.pipeline import approvals, handover


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Tell whether the decision was applied, and why not; a decision in vain is no failure."""
    settings = environment.read(environment.DecideApproval)
    try:
        decided = outcomes.decision_of(event)
    except outcomes.NoQuestionNamed as refused:
        logs.about(file_id=refused.file_id)
        return _answer(refused.file_id, False, str(refused))
    logs.about(file_id=decided.file_id)
    ledger = Ledger(settings.ledger_table)
    row = ledger.find(decided.file_id)
    if row:
        logs.about(
            correlation_id=row.correlation_id, execution=handover.execution_name_of(row.claimed_by)
        )
    return _answer(decided.file_id, *_decide(ledger, decided))


def _answer(file_id: str, applied: bool, explanation: str) -> logs.Json:
    logs.logger.info("decision", applied=applied, explanation=explanation)
    return {"file_id": file_id, "applied": applied, "explanation": explanation}


def _decide(ledger: Ledger, decided: outcomes.ApprovalDecided) -> tuple[bool, str]:
    file_id, question_id = decided.file_id, decided.question_id
    token = ledger.decide(file_id, question_id, decided.decision, decided.decided_by)
    if token is None:
        return False, _why_not(ledger.find(file_id), question_id)
    approval = outcomes.Approval(decided.decision, decided.decided_by, question_id)
    resumed = approvals.resume(token, approval)
    forgotten = ledger.forget_token(file_id, token)
    if resumed:
        return True, f"the file is {decided.decision}"
    if not forgotten:
        return False, _why_not(ledger.find(file_id), question_id)
    # Whether an earlier delivery was ended right after it had resumed the workflow is not known
    # here. What was written down stays: the workflow's own last word replaces it.
    return False, "the workflow waits for no answer: it has one already, or the time was up"


def _why_not(row: FileRow | None, question_id: str) -> str:
    if row is None:
        return "there is no file with this id"
    if row.status == "AwaitingApproval" and row.question_id != question_id:
        return f"it answers {question_id}; the file waits for an answer to {row.question_id}"
    if row.approval:
        return f"the file was {row.approval.decision} before, by {row.approval.decided_by}"
    if row.is_final:
        return f"the file has its outcome: {row.status}"
    return "the file waits for no decision"
