"""One exchange with a party outside, tried against a small server on loopback."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import urllib3

from order_intake.adapters import http_calls


class Server(ThreadingHTTPServer):
    """Notes the headers of each request; the path says what to answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.silent = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        if self.path == "/silent":
            self.server.silent.wait(10)
        if self.path == "/drop%20by%20drop":
            with contextlib.suppress(OSError):
                while not self.server.silent.wait(0.02):
                    self.wfile.write(b"H")  # of HTTP/1.1
            return
        if self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while not self.server.silent.is_set():
                    self.wfile.write(b"x" * 65536)
            return
        self.send_response(302 if self.path == "/elsewhere" else 200)
        self.send_header("Location", "/stolen")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.silent.set()
        running.shutdown()
        thread.join()


def test_the_key_goes_into_its_header(server: Server) -> None:
    assert http_calls.exchange("GET", f"{server.url}/a", api_key="k") == (200, b"ok")
    assert server.seen[0][1]["X-Api-Key"] == "k"


def test_no_key_is_sent_where_there_is_none(server: Server) -> None:
    http_calls.exchange("GET", f"{server.url}/a")

    assert "x-api-key" not in {name.lower() for name in server.seen[0][1]}


def test_redirects_are_not_followed(server: Server) -> None:
    status, _ = http_calls.exchange("GET", f"{server.url}/elsewhere", api_key="k")

    assert status == 302
    assert [path for path, _ in server.seen] == ["/elsewhere"]


def test_silence_is_a_failure(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = urllib3.PoolManager(timeout=urllib3.Timeout(0.05), retries=False)
    monkeypatch.setattr(http_calls, "_pool", lambda: pool)

    with pytest.raises(http_calls.ExchangeFailed, match=r"127\.0\.0\.1: ReadTimeoutError"):
        http_calls.exchange("GET", f"{server.url}/silent")


def test_answer_that_comes_byte_by_byte_is_a_failure(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_calls, "WHOLE_SECONDS", 0.3)

    with pytest.raises(http_calls.ExchangeFailed, match=r"no whole answer in 0\.3 s"):
        http_calls.exchange("GET", f"{server.url}/drop%20by%20drop")


def test_answer_without_end_is_a_failure(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_calls, "MAX_BYTES", 100_000)

    with pytest.raises(http_calls.ExchangeFailed, match="larger than 100000 bytes"):
        http_calls.exchange("GET", f"{server.url}/endless")


def test_no_connection_is_a_failure(server: Server) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as closed:
        port = closed.server_address[1]
    with pytest.raises(http_calls.ExchangeFailed, match="NewConnectionError"):
        http_calls.exchange("GET", f"http://127.0.0.1:{port}/a")


@pytest.mark.parametrize(
    "url",
    [
        "http://rates.example/v1",
        "http://127.0.0.1.rates.example/v1",
        "ftp://127.0.0.1/a",
        "rates.example",
        "",
    ],
)
def test_a_key_does_not_leave_the_machine_unencrypted(url: str) -> None:
    with pytest.raises(http_calls.ExchangeFailed, match="https"):
        http_calls.exchange("GET", url, api_key="k")
