"""PriceChunk: prices one chunk of a file, line by line."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import environment, logs, payloads
from order_intake.adapters.object_store import ObjectStore
from order_intake.domain import chunks, exchange
from order_intake.pipeline import steps


class Payload(payloads.Step, frozen=True, kw_only=True):
    """What the workflow's map hands in for each chunk."""

    chunk: chunks.Chunk
    rates: exchange.Rates


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Give the chunk's counts; its lines and sums are in the bucket, under `work/`."""
    settings = environment.read(environment.PriceChunk)
    payload = payloads.decode(event, Payload)
    file, chunk = payload.file, payload.chunk
    payload.log()
    logs.about(chunk=chunk.index)
    store = ObjectStore(settings.uploads_bucket)
    result = steps.price(store, file, chunk, payload.rates, payload.execution)
    logs.logger.info(
        "priced", lines_in=result.lines_in, accepted=result.accepted, stopped=result.stopped
    )
    return {
        "index": result.index,
        "lines_in": result.lines_in,
        "accepted": result.accepted,
        "refused": result.refused,
    }
