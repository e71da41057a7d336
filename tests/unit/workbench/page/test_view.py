"""`make view`: who gets the page, and whether it follows what moves."""

import http.client
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.workbench.page import recorded
from workbench.history.model import RUNNING, Execution
from workbench.page import live, view
from workbench.page.browser import MISSING, Browser, found
from workbench.page.drawing.graph import Definition
from workbench.stages.deployed import Deployed
from workbench.stages.errors import UserError
from workbench.stages.stage import LOCAL_ACCOUNT, ROOT, Stage
from workbench.stages.waiting import wait_until

SECRET = "the-secret"


class Moving(live.Live):
    """Executions that this test moves on, of a stage that nobody is asked about."""

    def __init__(self) -> None:
        self._deployed = Deployed(Stage("local"), LOCAL_ACCOUNT)
        self._ended, self._rules, self._lock = {}, [], threading.Lock()
        self.now: list[Execution] = []
        self.definition: Definition = recorded.DEFINITION

    def definitions(self) -> dict[str, Definition]:
        return {recorded.MACHINE: self.definition}

    def _read(self) -> list[Execution]:
        return self.now


def at_work() -> Execution:
    """Return an execution that waits in `Ask`."""
    waiting = recorded.state("Ask", "Task", 1, None, RUNNING)
    started = recorded.execution([recorded.state("Look", "Pass", 0), waiting], "RUNNING")
    started.ended = None
    return started


@pytest.fixture
def moving(monkeypatch: pytest.MonkeyPatch) -> Moving:
    monkeypatch.setattr(view, "OFTEN", 0.0)
    return Moving()


@pytest.fixture
def port(moving: Moving) -> Iterator[int]:
    with view.server(view.Viewer(moving), SECRET) as serving:
        serving.daemon_threads = True
        threading.Thread(target=serving.serve_forever, args=(0.05,), daemon=True).start()
        yield serving.server_port
        serving.shutdown()


def answer(port: int, path: str, **headers: str) -> tuple[int, str]:
    """Return status and text of the answer to a request with these headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    named = {"Host": f"127.0.0.1:{port}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    connection.putrequest("GET", path, skip_host=True)
    for name, value in named.items():
        connection.putheader(name, value)
    connection.endheaders()
    found = connection.getresponse()
    text = found.read().decode()
    connection.close()
    return found.status, text


def test_only_who_knows_the_address_gets_anything(port: int) -> None:
    assert answer(port, f"/{SECRET}/")[0] == 200
    assert answer(port, f"/{SECRET}/content")[0] == 200
    for path in ("/", "/content", f"/{SECRET}x/", "/x/content", f"/{SECRET}/../etc/passwd"):
        status, text = answer(port, path)
        assert status == 404
        assert SECRET not in text


def test_last_report_is_served_beside_it(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "local_dir", lambda: tmp_path)
    assert answer(port, f"/{SECRET}/report")[0] == 404

    (tmp_path / "report.html").write_text("the last one")

    assert answer(port, f"/{SECRET}/report") == (200, "the last one")
    assert answer(port, "/report")[0] == 404
    assert '"report":true' in answer(port, f"/{SECRET}/content")[1]


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "same-origin"}, 200),
        ({"Sec_Fetch_Site": "none"}, 200),
    ],
    ids=str,
)
def test_other_pages_are_refused(port: int, header: dict[str, str], status: int) -> None:
    for path in (f"/{SECRET}/", f"/{SECRET}/content"):
        assert answer(port, path, **header)[0] == status


def test_what_cannot_be_read_is_said_and_what_is_known_stays(
    moving: Moving, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> Any:
        raise view_error

    view_error = UserError("the local cloud is not running")
    moving._ended = {"arn": recorded.through()}
    monkeypatch.setattr(moving, "_read", gone)

    content = moving.content()

    assert content["trouble"] == "the local cloud is not running"
    assert len(content["entries"]) == 1


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ({"detail": {"object": {"key": "incoming/a/orders.csv"}}}, "orders.csv"),
        ({"detail": {"object": {}}}, "first"),
        ({"detail": "text"}, "first"),
        ("text", "first"),
        (None, "first"),
    ],
)
def test_execution_is_called_by_the_object_that_it_is_about(given: Any, title: str) -> None:
    execution = recorded.through()
    execution.input = given

    assert live.title_of(execution) == title


@pytest.mark.skipif(not found(), reason=MISSING)
def test_page_follows_an_execution_as_it_moves(moving: Moving, port: int) -> None:
    def shown(script: str) -> Any:
        return browser.run(script)

    moving.now = [at_work()]
    with Browser() as browser:
        browser.look(1440, 900)
        browser.open(f"http://127.0.0.1:{port}/{SECRET}/")
        assert shown("document.querySelector('[data-state=Ask]').dataset.status") == "running"
        assert "1 at work" in shown("document.getElementById('top').textContent")
        shown("document.querySelector('[data-state=Look]').focus()")
        browser.press("Enter")

        moving.now = [recorded.through()]
        wait_until(
            lambda: shown("document.querySelector('[data-state=Done]').dataset.status"),
            "the page shows the end",
            limit=10,
        )
        assert shown("document.activeElement.dataset.state") == "Look"
        assert shown("document.querySelector('.inspector h3').textContent") == "Look"

        moving.definition = {
            "StartAt": "Other",
            "States": {"Other": {"Type": "Succeed"}},
        }
        wait_until(
            lambda: shown("Boolean(document.querySelector('[data-state=Other]'))"),
            "the page shows the new definition",
            limit=10,
        )
        trouble = [one for one in browser.events if one["method"] == "Runtime.exceptionThrown"]
        assert not trouble


SERVES = """
import sys
from tests.unit.workbench.page import test_view as here
from workbench.page import view
from workbench.stages.errors import run

view.Live = lambda deployed: here.Moving()
view.application = lambda: type("A", (), {"deployed": type("D", (), {"find": print})})
run(lambda: view.main([]))
"""


def test_ctrl_c_ends_it_cleanly() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVES], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(3)]
        assert lines[1].startswith("open http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, out, said) == (0, "ended\n", "")
