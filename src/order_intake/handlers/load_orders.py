"""LoadOrders: loads a file's priced lines into the orders database, wholly or not at all."""

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import database, environment, logs, payloads, uploads
from order_intake.assessment import Totals
from order_intake.object_store import ObjectStore


class Payload(msgspec.Struct, frozen=True):
    """What the workflow hands in."""

    file: uploads.IncomingFile
    chunks: int
    totals: Totals


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Give the number of lines that the database has of the file."""
    settings = environment.read(environment.LoadOrders)
    payload = payloads.decode(event, Payload)
    file = payload.file
    logs.about(file_id=file.file_id, correlation_id=file.correlation_id)
    store = ObjectStore(settings.uploads_bucket)
    loaded_now = database.load_file(
        settings.database_secret_arn, store, file, payload.chunks, payload.totals
    )
    return {"lines": payload.totals.accepted, "already_loaded": not loaded_now}
