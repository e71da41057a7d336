"""One HTTP exchange with a party outside, within bounded time.

Retries are not made here: the workflow and Lambda make them. Redirects are not followed, so that a
key is sent to nobody but the address that stands beside it in the secret; and a key never leaves
over plain HTTP unless it stays on this machine.
"""

import functools
import threading
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

import urllib3

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
TIMEOUT = urllib3.Timeout(connect=3.0, read=10.0)
# A read's timeout begins anew with every byte: these bound the whole exchange.
WHOLE_SECONDS = 20.0
MAX_BYTES = 4 * 1024**2  # ten years of daily rates have a fortieth of it


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
    outcome: SimpleQueue[tuple[int, bytes] | BaseException] = SimpleQueue()

    def call() -> None:
        try:
            outcome.put(_call(method, url, sent, body))
        except BaseException as error:  # noqa: BLE001, RUF100 - raised by the waiting thread
            outcome.put(error)

    # A thread of its own, because no timeout of a socket bounds headers that come byte by byte.
    threading.Thread(target=call, daemon=True).start()
    try:
        found = outcome.get(timeout=WHOLE_SECONDS)
    except Empty:
        raise ExchangeFailed(f"{host}: no whole answer in {WHOLE_SECONDS:g} s") from None
    if isinstance(found, urllib3.exceptions.HTTPError):
        raise ExchangeFailed(f"{host}: {type(found).__name__}") from found
    if isinstance(found, BaseException):
        raise found
    if len(found[1]) > MAX_BYTES:
        raise ExchangeFailed(f"{host}: the answer is larger than {MAX_BYTES} bytes")
    return found


def _call(method: str, url: str, headers: dict[str, str], body: bytes | None) -> tuple[int, bytes]:
    """Send a request and give the answer's status and body, cut right after MAX_BYTES."""
    answer = _pool().request(
        method, url, headers=headers, body=body, redirect=False, preload_content=False
    )
    try:
        content = answer.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            answer.close()  # what is left of it is not read
        return answer.status, content
    finally:
        answer.release_conn()
