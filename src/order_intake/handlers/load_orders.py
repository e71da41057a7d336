"""LoadOrders: loads a file's priced lines into the orders database, wholly or not at all."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import database, environment, logs, payloads
from order_intake.object_store import ObjectStore
from order_intake.results import Totals


class Payload(payloads.Step, frozen=True, kw_only=True):
    """What the workflow hands in."""

    chunks: int
    totals: Totals


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Give the number of lines that the database has of the file."""
    settings = environment.read(environment.LoadOrders)
    payload = payloads.decode(event, Payload)
    file = payload.file
    payload.log()
    store = ObjectStore(settings.uploads_bucket)
    loaded_now = database.load_file(
        settings.database_secret_arn, store, file, payload.chunks, payload.totals
    )
    logs.logger.info("loaded", lines=payload.totals.accepted, already_loaded=not loaded_now)
    return {"lines": payload.totals.accepted, "already_loaded": not loaded_now}
