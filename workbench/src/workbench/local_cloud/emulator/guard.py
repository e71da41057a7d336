"""Who may talk to the local cloud's ports at all: programs of this machine, and no web page.

A page in a browser on this machine can send requests to the loopback interface. A browser always
says so, by one of three headers that programs do not send, or that name this machine:

- `Host` names the address the page asked for. A page whose own name leads here ("DNS rebinding")
  cannot name this machine instead.
- `Origin` stands in each request that is more than a plain GET.
- `Sec-Fetch-Site` stands in each, `none` when a person typed the address.
  https://www.w3.org/TR/fetch-metadata/

Who has the secret of the control paths is looked at in constant time.
"""

import hmac
from collections.abc import Iterable

from workbench.local_cloud.emulator.keys import HEADER

_HOSTS = ("127.0.0.1", "localhost", "[::1]")


def stranger(headers: Iterable[tuple[str, str]]) -> str | None:
    """Why a request with these headers is refused; None for a program of this machine."""
    found = [(name.lower(), value.strip().lower()) for name, value in headers]
    hosts = [value for name, value in found if name == "host"]
    if len(hosts) != 1 or _without_port(hosts[0]) not in _HOSTS:
        return "Host names another machine than this one"
    if any(name == "origin" for name, _ in found):
        return "no web page may call the local cloud (Origin)"
    if any(name == "sec-fetch-site" and value != "none" for name, value in found):
        return "no web page may call the local cloud (Sec-Fetch-Site)"
    return None


def holds(headers: Iterable[tuple[str, str]], secret: str) -> bool:
    """Whether the control paths' secret is among these headers."""
    given = [value for name, value in headers if name.lower() == HEADER.lower()]
    return len(given) == 1 and hmac.compare_digest(given[0].encode(), secret.encode())


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host
