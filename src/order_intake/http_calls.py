"""One HTTP exchange with a party outside, within bounded time.

Retries are not made here: the workflow and Lambda make them. Redirects are not followed, so that a
key is sent to nobody but the address that stands beside it in the secret; and a key never leaves
over plain HTTP unless it stays on this machine.
"""

import functools
from urllib.parse import urlsplit

import urllib3

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
TIMEOUT = urllib3.Timeout(connect=3.0, read=10.0)


class ExchangeFailed(Exception):
    """No usable answer came: no connection, a timeout, or an address that must not be used."""


@functools.cache
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(timeout=TIMEOUT, retries=False)


def exchange(
    method: str,
    url: str,
    *,
    api_key: str = "",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
) -> tuple[int, bytes]:
    """Send one request and give the answer's status and body.

    The key, if there is one, goes into the header `X-Api-Key`. Raises ExchangeFailed, whose message
    names the host only: addresses of webhooks may be secret.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise ExchangeFailed("the address must begin with https:// (http:// only on loopback)")
    sent = dict(headers or {})
    if api_key:
        sent["X-Api-Key"] = api_key
    try:
        answer = _pool().request(method, url, headers=sent, body=body, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        raise ExchangeFailed(f"{host}: {type(error).__name__}") from error
    return answer.status, answer.data
