"""The exchange rates of the European Central Bank, from an API of Frankfurter's form.

    GET {base_url}/2010-12-24..2010-12-31?base=EUR&symbols=GBP

https://frankfurter.dev/v1/ — days without a fixing (weekends, holidays) are left out of the answer.
"""

from datetime import date
from decimal import Decimal
from http import HTTPStatus

import msgspec

from order_intake.adapters import http_calls, secrets
from order_intake.domain.errors import RatesRefused, RatesUnavailable
from order_intake.domain.partners import HOUSE_CURRENCY


class Answer(msgspec.Struct, frozen=True):
    """What the API says: by day, units of each currency for one unit of `base`."""

    base: str
    rates: dict[date, dict[str, Decimal]]


def fetch(secret_arn: str, currency: str, first: date, last: date) -> dict[str, Decimal]:
    """Give, by ISO day, the units of `currency` for one EUR fixed from `first` to `last`, included.

    Raises RatesRefused when the key is refused even after the secret was read anew, and
    RatesUnavailable when the API cannot be reached, is slow, or answers what cannot be right.
    """
    answer = _get(secret_arn, f"{first.isoformat()}..{last.isoformat()}", currency)
    return {
        day.isoformat(): _rate(rates, currency)
        for day, rates in sorted(answer.rates.items())
        if first <= day <= last
    }


def _get(secret_arn: str, days: str, currency: str) -> Answer:
    def ask(secret: secrets.RatesApi) -> bytes:
        return _ask(secret, days, currency)

    text = secrets.use(secret_arn, secrets.RatesApi, ask, refused=RatesRefused)
    try:
        # msgspec reads a JSON number straight into a Decimal: no digit passes through a float.
        answer = msgspec.json.decode(text, type=Answer)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise RatesUnavailable(f"the rates API's answer does not decode: {error}") from error
    if answer.base != HOUSE_CURRENCY:
        raise RatesUnavailable(
            f"the rates API answers for {answer.base!r}, not for {HOUSE_CURRENCY}"
        )
    return answer


def _ask(secret: secrets.RatesApi, days: str, currency: str) -> bytes:
    url = f"{secret.base_url.rstrip('/')}/{days}?base={HOUSE_CURRENCY}&symbols={currency}"
    try:
        status, body = http_calls.exchange("GET", url, api_key=secret.api_key)
    except http_calls.ExchangeFailed as error:
        raise RatesUnavailable(f"the rates API: {error}") from error
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise RatesRefused(f"the rates API refuses the key (status {status})")
    if status != HTTPStatus.OK:
        raise RatesUnavailable(f"the rates API answers with status {status}")
    return body


def _rate(rates: dict[str, Decimal], currency: str) -> Decimal:
    rate = rates.get(currency)
    if rate is None or not rate.is_finite() or rate <= 0:
        raise RatesUnavailable(f"the rates API gives no rate above zero for {currency}")
    return rate
