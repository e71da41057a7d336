"""FetchExchangeRates: the rates that a file's lines are priced with."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake import environment, logs, payloads
from order_intake.adapters.ledger import Ledger
from order_intake.pipeline import steps


@logs.entry
def handler(event: object, context: LambdaContext) -> logs.Json:
    """Give currency, house currency and, by day, the units of currency for one EUR."""
    settings = environment.read(environment.FetchExchangeRates)
    step = payloads.decode(event, payloads.Step)
    step.log()
    rates = steps.rates_of(Ledger(settings.ledger_table), settings.rates_api_secret_arn, step.file)
    logs.logger.info("rates", currency=rates.currency, days=len(rates.rates))
    return payloads.encode(rates)
