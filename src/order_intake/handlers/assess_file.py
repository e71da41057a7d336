"""AssessFile: adds the chunks up and decides what becomes of the file."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import environment, logs, payloads
from order_intake.adapters.object_store import ObjectStore
from order_intake.pipeline import steps


class Payload(payloads.Step, frozen=True, kw_only=True):
    """What the workflow hands in; `terms` are those that the ledger keeps for the file."""

    chunks: int
    terms: dict[str, str]


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Give the verdict `load`, `approve` or `reject`, and the file's totals."""
    settings = environment.read(environment.AssessFile)
    payload = payloads.decode(event, Payload)
    file = payload.file
    payload.log()
    results = steps.results_of(ObjectStore(settings.uploads_bucket), file, payload.chunks)
    assessed = steps.assess_file(file, results, payload.terms)
    logs.logger.info("assessed", verdict=assessed.verdict, reason=assessed.reason)
    return payloads.encode(assessed)
