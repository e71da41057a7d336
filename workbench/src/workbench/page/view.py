"""`make view`: the page of what a stage's state machines do now, which follows them as they move.

It listens on the loopback interface only, under an address that has a secret in it. Ctrl-C ends it.
"""

import argparse
import hmac
import http.server
import secrets
import threading
import time
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from workbench.application.interface import application
from workbench.local_cloud.emulator.guard import stranger
from workbench.local_cloud.ports import HOST
from workbench.page.document import FILE, document, json_text
from workbench.page.drawing.graph import Definition
from workbench.page.live import Live
from workbench.stages.errors import run
from workbench.stages.stage import Stage, local_dir
from workbench.stages.visible import say

OFTEN = 0.7  # seconds for which what was read is given to every window that asks


class Viewer:
    """The page and what it asks for, made anew when it is older than `OFTEN`."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._lock = threading.Lock()
        self._made = float("-inf")
        self._content: dict[str, Any] = {}
        self._definitions: dict[str, Definition] = {}

    def page(self) -> str:
        """Return the page with the definitions as deployed now."""
        self._definitions = self._live.definitions()
        return document(self._shown(), self._definitions, connect="'self'")

    def content(self) -> str:
        """Return what is to be shown now; `redrawn` where a definition is another one by now."""
        return json_text(self._shown() | {"redrawn": self._redrawn()})

    def _shown(self) -> dict[str, Any]:
        """Return what is shown, and whether there is the page of a replay or a sent file."""
        return self._fresh() | {"report": report().is_file()}

    def _fresh(self) -> dict[str, Any]:
        with self._lock:
            if time.monotonic() - self._made > OFTEN:
                self._content = self._live.content()
                self._made = time.monotonic()
            return self._content

    def _redrawn(self) -> bool:
        if "trouble" in self._content:
            return False
        return self._live.definitions() != self._definitions


def report() -> Path:
    """Return where the page of the last replay or sent file is."""
    return local_dir() / FILE


def refused(headers: Iterable[tuple[str, str]]) -> str | None:
    """Return why a request is refused; None for a person's own, and for those of the page itself.

    The page's requests say `Sec-Fetch-Site: same-origin`; all else is as in the local cloud.
    """
    own = ("sec-fetch-site", "same-origin")
    others = [one for one in headers if (one[0].lower(), one[1].strip().lower()) != own]
    return stranger(others)


def server(viewer: Viewer, secret: str) -> http.server.ThreadingHTTPServer:
    """Return a server of the page on a free port; it serves when `serve_forever` is called."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if why := refused(self.headers.items()):
                self._answer(HTTPStatus.FORBIDDEN, f"refused: {why}\n", "text/plain")
                return
            given, _, what = self.path.removeprefix("/").partition("/")
            if not hmac.compare_digest(given.encode(), secret.encode()):
                self._answer(HTTPStatus.NOT_FOUND, "this is not the page's address\n", "text/plain")
            elif what == "":
                self._answer(HTTPStatus.OK, viewer.page(), "text/html")
            elif what == "report" and report().is_file():
                self._answer(HTTPStatus.OK, report().read_text(encoding="utf-8"), "text/html")
            elif what == "content":
                self._answer(HTTPStatus.OK, viewer.content(), "application/json")
            else:
                self._answer(HTTPStatus.NOT_FOUND, "there is no such page\n", "text/plain")

        def _answer(self, status: HTTPStatus, text: str, kind: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("X-Frame-Options", "DENY")
            self.send_header("Cross-Origin-Resource-Policy", "same-origin")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing: the address has the secret in it."""

    return http.server.ThreadingHTTPServer((HOST, 0), Handler)


def main(arguments: list[str] | None = None) -> int:
    """Serve the page until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="make view", description=__doc__)
    parser.parse_args(arguments)
    deployed = application().deployed.find(Stage.from_environment())
    secret = secrets.token_urlsafe(16)
    with server(Viewer(Live(deployed)), secret) as serving:
        serving.daemon_threads = True
        try:
            say(f"open http://{HOST}:{serving.server_port}/{secret}/", "Ctrl-C ends it", flush=True)
            serving.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            say("ended")
    return 0


if __name__ == "__main__":
    run(main)
