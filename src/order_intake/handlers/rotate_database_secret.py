"""RotateDatabaseSecret: what Secrets Manager calls, step by step, to change the password."""

from typing import Literal

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import environment, logs, payloads
from order_intake.domain.errors import InvalidInput
from order_intake.pipeline import rotation

STEPS = {
    "createSecret": rotation.create,
    "setSecret": rotation.set_password,
    "testSecret": rotation.test,
    "finishSecret": rotation.finish,
}


class Payload(msgspec.Struct, frozen=True, rename="pascal"):
    """What Secrets Manager hands in."""

    step: Literal["createSecret", "setSecret", "testSecret", "finishSecret"]
    secret_id: str
    client_request_token: str


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Do one step of a rotation of the database's secret, and of no other; give its name."""
    settings = environment.read(environment.RotateDatabaseSecret)
    payload = payloads.decode(event, Payload)
    if payload.secret_id != settings.database_secret_arn:
        raise InvalidInput("only the database's secret is rotated here")
    logs.about(execution=payload.client_request_token)
    STEPS[payload.step](payload.secret_id, payload.client_request_token)
    logs.logger.info("rotation", step=payload.step)
    return {"step": payload.step}
