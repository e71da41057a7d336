"""FetchExchangeRates: the rates that a file's lines are priced with."""

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import environment, logs, payloads, steps, uploads


class Payload(msgspec.Struct, frozen=True):
    """What the workflow hands in."""

    file: uploads.IncomingFile


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Give currency, house currency and, by day, the units of currency for one EUR."""
    settings = environment.read(environment.FetchExchangeRates)
    file = payloads.decode(event, Payload).file
    logs.about(file_id=file.file_id, correlation_id=file.correlation_id)
    return payloads.encode(steps.fetch_rates(settings.rates_api_secret_arn, file))
