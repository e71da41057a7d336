"""The partners' webhook: each outcome of a file is posted to it as JSON.

The header `Idempotency-Key` is the same whenever the same outcome is sent again, and another one
when a file was run again, so that the other side knows a repetition from news.
"""

from http import HTTPStatus

import msgspec

from order_intake import environment
from order_intake.adapters import http_calls, secrets
from order_intake.domain.errors import TransientError, WebhookUnavailable
from order_intake.domain.outcomes import Outcome


class _KeyRefused(TransientError):
    """The other side refuses the key; the secret may have been rotated since it was read."""


def tell(secret_arn: str, detail: Outcome) -> tuple[bool, str]:
    """Post one outcome's detail. Gives whether it was delivered, and a sentence about it.

    Raises WebhookUnavailable for everything but a 2xx answer, a key that is refused even after the
    secret was read anew included: the queue keeps the message while somebody puts it right.
    """
    if secret_arn == environment.NOT_CONFIGURED:
        return False, "this stage has no partner webhook"

    def post(secret: secrets.PartnerWebhook) -> int:
        return _post(secret, detail)

    try:
        status = secrets.use(secret_arn, secrets.PartnerWebhook, post, refused=_KeyRefused)
    except _KeyRefused as error:
        raise WebhookUnavailable(str(error)) from error
    return True, f"the partner's webhook answered with status {status}"


def _post(secret: secrets.PartnerWebhook, detail: Outcome) -> int:
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": f"{detail.file_id}:{detail.outcome}:{detail.closed_at}",
    }
    try:
        status, _ = http_calls.exchange(
            "POST",
            secret.url,
            api_key=secret.api_key,
            headers=headers,
            body=msgspec.json.encode(detail),
        )
    except http_calls.ExchangeFailed as error:
        raise WebhookUnavailable(f"the partner's webhook: {error}") from error
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise _KeyRefused(f"the partner's webhook refuses the key (status {status})")
    if not 200 <= status < 300:
        raise WebhookUnavailable(f"the partner's webhook answers with status {status}")
    return status
