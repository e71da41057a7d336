"""Secrets, read at run time by their ARN.

A value is kept for five minutes in the process and nowhere else. When a secret is refused by whom
it is for, it was probably rotated: it is read once more, past the cache, and tried once more.
"""

import time
from collections.abc import Callable

import msgspec

from order_intake.adapters import aws_clients
from order_intake.domain.errors import PermanentError

KEPT_SECONDS = 300.0

_kept: dict[str, tuple[float, bytes]] = {}


class SecretInvalid(PermanentError):
    """A secret's text does not have the form that its reader expects."""


class Database(msgspec.Struct, frozen=True):
    """The secret `database`, in the form that AWS's rotation expects."""

    engine: str
    host: str
    port: int
    dbname: str
    username: str
    password: str

    def __repr__(self) -> str:
        """Show where it leads, never the password."""
        return f"Database({self.host}:{self.port}/{self.dbname})"


class RatesApi(msgspec.Struct, frozen=True):
    """The secret `rates-api`; an empty `api_key` means that the API takes none and gets none."""

    base_url: str
    api_key: str

    def __repr__(self) -> str:
        """Show where it leads, never the key."""
        return f"RatesApi({self.base_url})"


class PartnerWebhook(msgspec.Struct, frozen=True):
    """The secret `partner-webhook`."""

    url: str
    api_key: str

    def __repr__(self) -> str:
        """Show nothing: a webhook's address may itself be a secret."""
        return "PartnerWebhook()"


def read[S: msgspec.Struct](arn: str, form: type[S], *, fresh: bool = False) -> S:
    """Give the secret at `arn` in its form, from the cache unless `fresh` or older than 5 minutes.

    Raises SecretInvalid when the text does not have the form, ServiceBusy when it cannot be read
    now.
    """
    kept = _kept.get(arn)
    if fresh or kept is None or time.monotonic() - kept[0] > KEPT_SECONDS:
        with aws_clients.service_calls("secretsmanager"):
            answer = aws_clients.secrets_manager().get_secret_value(SecretId=arn)
        kept = (time.monotonic(), answer["SecretString"].encode())
        _kept[arn] = kept
    try:
        return msgspec.json.decode(kept[1], type=form)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        _kept.pop(arn, None)
        # Neither the text nor the decoder's excerpt of it goes into the message.
        raise SecretInvalid(f"the secret for {form.__name__} does not have its form") from error


def use[S: msgspec.Struct, R](
    arn: str, form: type[S], action: Callable[[S], R], *, refused: type[Exception]
) -> R:
    """Do `action` with the secret; if it raises `refused`, once more with the secret read anew.

    Raises what the second attempt raises, so `refused` means: refused even after a re-read.
    """
    try:
        return action(read(arn, form))
    except refused:
        return action(read(arn, form, fresh=True))


def forget() -> None:
    """Empty the cache (tests)."""
    _kept.clear()
