"""A person's answer on its way back into the workflow that waits for it."""

import msgspec
from botocore.exceptions import ClientError

from order_intake.adapters import aws_clients
from order_intake.domain.outcomes import Approval

# Nobody waits with the token: it was used, the time was up, or the state or execution is over.
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
NOT_WAITING = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


def resume(token: str, approval: Approval) -> bool:
    """Let the workflow that waits with this task token go on; False when none does.

    Raises ServiceBusy when Step Functions cannot answer now.
    """
    try:
        with aws_clients.service_calls("states"):
            aws_clients.step_functions().send_task_success(
                taskToken=token, output=msgspec.json.encode(approval).decode()
            )
    except ClientError as error:
        if aws_clients.code_of(error) not in NOT_WAITING:
            raise
        return False
    return True
