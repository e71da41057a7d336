"""AssessFile: adds the chunks up and decides what becomes of the file."""

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import environment, logs, payloads, steps, uploads
from order_intake.object_store import ObjectStore


class Payload(msgspec.Struct, frozen=True):
    """What the workflow hands in; `terms` are those that the ledger keeps for the file."""

    file: uploads.IncomingFile
    chunks: int
    terms: dict[str, str]


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Give the verdict `load`, `approve` or `reject`, and the file's totals."""
    settings = environment.read(environment.AssessFile)
    payload = payloads.decode(event, Payload)
    file = payload.file
    logs.about(file_id=file.file_id, correlation_id=file.correlation_id)
    results = steps.results_of(ObjectStore(settings.uploads_bucket), file, payload.chunks)
    return payloads.encode(steps.judge(file, results, payload.terms))
