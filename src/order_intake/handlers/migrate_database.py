"""MigrateDatabase: brings the orders database to what this code needs; `make deploy` calls it."""

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import environment, logs, payloads
from order_intake.adapters import database_migrations


class Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing: what is missing is applied, and nothing else can be asked for."""


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Give the names of the migrations that were applied; none where a stage has no database."""
    settings = environment.read(environment.MigrateDatabase)
    payloads.decode(event, Payload)
    applied: list[str] = []
    if settings.database_owner_secret_arn != environment.NOT_CONFIGURED:
        applied = database_migrations.migrate(settings.database_owner_secret_arn)
    return {"applied": applied}
