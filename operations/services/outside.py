"""What lies outside the account: the rates API and the partners' webhook, in one small server.

Both check the API key against the stage's secret, and can be set to fail:
`PUT /control {"rates": {"fail_next": 2, "status": 503}}`. `PUT /day {"last": "2026-11-23"}` sets
the last day of which the rates API has rates (null: today). `GET /received` shows what the webhook
took. These three are for the holder of the control paths' secret.
`python -m operations.services.outside` is started by `make up`; loopback only.
"""

import datetime
import hmac
import http.server
import json
import os
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

import boto3

from operations.services import rates
from workbench.local_cloud.emulator import guard, keys

_KEY_SECONDS = 60.0
_KEPT = 1000
_CONTROL = ("/control", "/day", "/received")


@dataclass
class Trouble:
    """How the next calls of one API are to go wrong. `PUT /control` sets these fields."""

    fail_next: int = 0  # so many calls
    status: int = 503  # with this HTTP status
    delay_seconds: float = 0.0  # after so long; without fail_next, every call is slow
    garbage: bool = False  # with status 200 and a body that is not valid JSON


class Keys:
    """The API keys that the stage's secrets hold, read again when one does not fit."""

    def __init__(self, endpoint: str, prefix: str, region: str):
        self._prefix = prefix
        self._client = boto3.client(
            "secretsmanager",
            endpoint_url=endpoint,
            region_name=region,
            **keys.of_this_process().credentials,
        )
        self._known: dict[str, tuple[float, str]] = {}

    def fits(self, secret: str, key: str | None) -> bool:
        """Whether `key` is the secret's current API key."""
        if not key:
            return False
        read_at, known = self._known.get(secret, (0.0, ""))
        if time.monotonic() - read_at > _KEY_SECONDS or known != key:
            known = self._read(secret)
            self._known[secret] = (time.monotonic(), known)
        return hmac.compare_digest(known.encode(), key.encode())

    def _read(self, secret: str) -> str:
        try:
            answer = self._client.get_secret_value(SecretId=f"{self._prefix}/{secret}")
        except self._client.exceptions.ClientError:
            return ""  # not deployed yet
        return str(json.loads(answer["SecretString"]).get("api_key", ""))


@dataclass
class Outside:
    """The state of both APIs."""

    keys: Keys
    trouble: dict[str, Trouble] = field(
        default_factory=lambda: {"rates": Trouble(), "webhook": Trouble()}
    )
    received: list[Any] = field(default_factory=list)
    last_day: datetime.date | None = None  # of which the rates API has rates; today
    lock: threading.Lock = field(default_factory=threading.Lock)

    def control(self, wanted: dict[str, dict[str, Any]]) -> None:
        """Set how the APIs go wrong; an API that is named begins from nothing."""
        with self.lock:
            for name, fields in wanted.items():
                if name not in self.trouble:
                    raise ValueError(f"no such API: {name}")
                self.trouble[name] = Trouble(**fields)

    def next_trouble(self, name: str) -> Trouble | None:
        """The trouble that the API's next call is in; waits first when it is a slow one."""
        with self.lock:
            trouble = self.trouble[name]
            failing = trouble.fail_next > 0
            if failing:
                trouble.fail_next -= 1
                if not trouble.fail_next:
                    self.trouble[name] = Trouble()  # the calls after these are well
        time.sleep(trouble.delay_seconds)
        return trouble if failing else None


class Handler(http.server.BaseHTTPRequestHandler):
    """One request to either API."""

    outside: Outside

    def parse_request(self) -> bool:
        """Read a request's head; False, and an answer, where the caller is no guest here."""
        if not super().parse_request():
            return False
        headers = self.headers.items()
        path = urllib.parse.urlsplit(self.path).path
        if reason := guard.stranger(headers):
            self._answer(403, {"message": reason})
        elif path in _CONTROL and not guard.holds(headers, keys.of_this_process().control):
            self._answer(403, {"message": f"this is for the holder of the secret: {keys.HEADER}"})
        else:
            return True
        self.close_connection = True
        return False

    def do_GET(self) -> None:
        """Rates, what the webhook received, the settings, or a sign of life."""
        url = urllib.parse.urlsplit(self.path)
        if url.path.startswith("/v1/"):
            if self._let_in("rates", "rates-api"):
                self._rates(url)
        elif url.path == "/received":
            self._answer(200, self.outside.received)
        elif url.path == "/control":
            self._answer(200, {name: vars(t) for name, t in self.outside.trouble.items()})
        else:
            self._answer(200 if url.path == "/health" else 404, {})

    def do_POST(self) -> None:
        """A delivery to the partner's webhook."""
        body = self._body()
        if self.path != "/partner/orders":
            self._answer(404, {"message": "not found"})
        elif self._let_in("webhook", "partner-webhook"):
            with self.outside.lock:
                self.outside.received.append(body)
                del self.outside.received[:-_KEPT]
            self._answer(200, {"received": True})

    def do_PUT(self) -> None:
        """Settings for what goes wrong, and for the rates API's day."""
        if self.path not in ("/control", "/day"):
            self._answer(404, {"message": "not found"})
            return
        try:
            if self.path == "/day":
                last = self._body()["last"]
                self.outside.last_day = datetime.date.fromisoformat(last) if last else None
                self._answer(200, {"last": last})
                return
            self.outside.control(self._body())
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            self._answer(400, {"message": str(error)})
            return
        self._answer(200, {name: vars(t) for name, t in self.outside.trouble.items()})

    def do_DELETE(self) -> None:
        """Forget what the webhook received."""
        if self.path != "/received":
            self._answer(404, {"message": "not found"})
            return
        self._body()
        self.outside.received.clear()
        self._answer(200, {})

    def _let_in(self, name: str, secret: str) -> bool:
        """Whether the call goes on; when not, it is answered."""
        trouble = self.outside.next_trouble(name)
        if trouble and trouble.garbage:
            self._send(200, b"<html>this is no JSON</html>")
        elif trouble:
            self._answer(trouble.status, {"message": "set to fail"})
        elif not self.outside.keys.fits(secret, self.headers.get("X-Api-Key")):
            self._answer(401, {"message": "the API key is missing or not the current one"})
        else:
            return True
        return False

    def _rates(self, url: urllib.parse.SplitResult) -> None:
        query = {name: values[0] for name, values in urllib.parse.parse_qs(url.query).items()}
        try:
            self._answer(200, rates.answer(url.path, query, self.outside.last_day))
        except rates.UnknownRatesError:
            self._answer(404, {"message": "not found"})

    def _body(self) -> Any:
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            return json.loads(text)
        except ValueError:
            return text.decode(errors="replace")

    def _answer(self, status: int, content: Any) -> None:
        self._send(status, json.dumps(content).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve both APIs with the settings of the environment."""
    port, host = int(os.environ["OUTSIDE_PORT"]), os.environ["OUTSIDE_HOST"]
    keys = Keys(os.environ["ENDPOINT"], os.environ["PREFIX"], os.environ["REGION"])
    Handler.outside = Outside(keys)
    server = http.server.ThreadingHTTPServer((host, port), Handler)
    print(f"listening on {host}:{port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
