"""PriceChunk: prices one chunk of a file, line by line."""

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import chunks, environment, exchange, logs, payloads, steps, uploads
from order_intake.object_store import ObjectStore


class Payload(msgspec.Struct, frozen=True):
    """What the workflow's map hands in for each chunk."""

    file: uploads.IncomingFile
    chunk: chunks.Chunk
    rates: exchange.Rates


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Give the chunk's counts; its lines and sums are in the bucket, under `work/`."""
    settings = environment.read(environment.PriceChunk)
    payload = payloads.decode(event, Payload)
    file, chunk = payload.file, payload.chunk
    logs.about(file_id=file.file_id, correlation_id=file.correlation_id, chunk=chunk.index)
    result = steps.price(ObjectStore(settings.uploads_bucket), file, chunk, payload.rates)
    return {
        "index": result.index,
        "lines_in": result.lines_in,
        "accepted": result.accepted,
        "refused": result.refused,
    }
