"""The page in a real browser: what it shows, whom it asks, and who can use it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.workbench.page import recorded
from workbench.history.model import Execution
from workbench.page import screenshot
from workbench.page.browser import MISSING, Browser, found
from workbench.stages.errors import UserError
from workbench.testing import accessibility
from workbench.workflow.definition import load_all

pytestmark = pytest.mark.skipif(not found(), reason=MISSING)

FLOW, FAILS, ALONE = "#s/uploads/first", "#s/uploads/second", "#s/bus/nobody"
COLOURED = """[...document.querySelectorAll('.state[data-status]')].map(
  one => [one.dataset.state, one.dataset.status])"""
TAKEN = """[...document.querySelectorAll('.edge.taken')].map(
  one => `${one.dataset.from} ${one.dataset.to} ${one.classList.contains('catch')}`)"""
MOST_BYTES = 3_000_000
MOST_SECONDS = 1.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    with pytest.MonkeyPatch.context() as patched:
        executions = [recorded.through(), recorded.failing()]
        path.write_text(recorded.replay(patched, executions), encoding="utf-8")
    return path.as_uri()


def show(browser: Browser, page: str, where: str = "", width: int = 1440, **more: Any) -> None:
    """Open a view of the page anew, and see that it asks nobody and has no error."""
    browser.look(width, 1000, **more)
    browser.open("about:blank")
    browser.open(page + where)
    trouble = [
        one
        for one in browser.events
        if one.get("method")
        in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
    ]
    asked = [
        one["params"]["request"]["url"]
        for one in browser.events
        if one.get("method") == "Network.requestWillBeSent"
    ]
    assert not trouble
    assert {url.partition("#")[0] for url in asked} <= {page}


def test_each_executed_state_is_coloured_once(browser: Browser, page: str) -> None:
    show(browser, page, FLOW)

    coloured = browser.run(COLOURED)
    assert sorted(name for name, _ in coloured) == sorted(
        ["Look", "Ask", "Answer", "Both", "Left", "Right", "Each", "One", "Done"]
    )
    assert {status for _, status in coloured} == {"succeeded"}
    assert browser.run("document.querySelectorAll('.graph').length") == 1
    assert sorted(browser.run(TAKEN)) == sorted(
        f"{way} false"
        for way in (
            "Look Ask", "Ask Answer", "Answer Ask", "Answer Both", "Both Left", "Both Right",
            "Both Each", "Each One", "Each Done",
        )
    )  # fmt: skip


def test_failures_are_red_and_what_was_caught_is_not(browser: Browser, page: str) -> None:
    show(browser, page, FAILS)

    assert browser.run(COLOURED) == [["Look", "succeeded"], ["Ask", "caught"], ["Sorry", "failed"]]
    assert sorted(browser.run(TAKEN)) == ["Ask Sorry true", "Look Ask false"]
    colours = browser.run(
        """['caught', 'failed'].map(status => getComputedStyle(
             document.querySelector(`[data-status=${status}] .card`)).stroke)"""
    )
    assert colours == ["rgb(138, 83, 0)", "rgb(179, 38, 30)"]
    # What is shown first is what failed, not the state that says so in the end.
    assert browser.run("document.querySelector('.inspector h3').textContent") == "Ask"
    assert "Silence." in browser.run("document.querySelector('.inspector').textContent")


def test_names_fit_into_their_cards(browser: Browser, page: str) -> None:
    show(browser, page, FLOW)

    too_wide = browser.run(
        """[...document.querySelectorAll('.state')].filter(state => {
             const card = state.querySelector('.card').getBBox();
             return [...state.querySelectorAll('.name, .work')].some(text =>
               text.getBBox().x + text.getBBox().width > card.x + card.width); }).length"""
    )
    assert too_wide == 0


def test_retries_and_repeated_visits_are_counted(browser: Browser, page: str) -> None:
    show(browser, page, FLOW)

    badges = browser.run(
        """Object.fromEntries([...document.querySelectorAll('.badge')].map(
             one => [one.parentNode.dataset.state, one.textContent]))"""
    )
    assert badges == {"Ask": "×2", "Answer": "×2", "Each": "1 item", "One": "↻ 1"}


def test_message_of_a_function_is_shown_and_its_trace_waits(browser: Browser, page: str) -> None:
    show(browser, page, FLOW)
    browser.run(
        """document.querySelector('[data-state=One]').dispatchEvent(
             new MouseEvent('click', {bubbles: true}))"""
    )

    shown = browser.run("document.querySelector('.inspector').innerText")
    assert "Busy" in shown
    assert "Come again." in shown
    assert "line 7" not in shown
    assert "line 7" in browser.run("document.querySelector('.inspector details pre').textContent")


def test_click_shows_input_and_output(browser: Browser, page: str) -> None:
    show(browser, page, FLOW)
    browser.run(
        """document.querySelector('[data-state=Each]').dispatchEvent(
             new MouseEvent('click', {bubbles: true}))"""
    )

    shown = browser.run("document.querySelector('.inspector').innerText")
    assert shown.startswith("Each")
    for text in ('"at": 5', '"left": "Each"', "items", "3.0 s"):
        assert text in shown


def test_everything_can_be_reached_by_keyboard(browser: Browser, page: str) -> None:
    show(browser, page, FLOW)
    focused = "document.activeElement.dataset.state"
    for _ in range(60):
        browser.press("Tab")
        if browser.run(focused) == "Ask":
            break

    browser.press("Enter")
    assert browser.run("document.querySelector('.inspector h3').textContent") == "Ask"
    browser.press("ArrowDown")
    assert browser.run(focused) == "Answer"
    assert browser.run("document.querySelector('.inspector h3').textContent") == "Answer"


def test_scenario_without_workflow_shows_what_differs(browser: Browser, page: str) -> None:
    show(browser, page, ALONE)

    shown = browser.run("document.getElementById('detail').innerText")
    assert "rules: expected Uploaded, got none" in shown
    assert "no rule takes it" in shown
    assert browser.run("document.querySelectorAll('.graph').length") == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_everybody_can_read_and_use_it(browser: Browser, page: str, width: int, dark: bool) -> None:
    if reason := accessibility.missing():
        pytest.skip(f"{reason}; axe-core comes from npm")
    browser.call("Page.setBypassCSP", enabled=True)  # for axe-core alone, which the page refuses
    try:
        for where in ("", FLOW, FAILS, ALONE, "#time", "#totals"):
            show(browser, page, where, width, dark=dark)
            assert browser.run("document.documentElement.scrollWidth") <= width, where
            assert accessibility.violations(browser) == [], where
    finally:
        browser.call("Page.setBypassCSP", enabled=False)


def large() -> tuple[list[Execution], dict[str, Any]]:
    """Return 82 executions that enter each state of the largest definition, with its input."""
    definition = max(load_all().values(), key=lambda one: len(one["States"]))
    executions = []
    for number in range(82):
        states = [
            recorded.state(name, body["Type"], place, output={"number": [number] * 40})
            for place, (name, body) in enumerate(definition["States"].items())
        ]
        executions.append(recorded.execution(states, name=f"number-{number}"))
    return executions, definition


def test_page_of_a_full_replay_is_small_and_opens_at_once(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text(recorded.replay(monkeypatch, *large()), encoding="utf-8")

    assert path.stat().st_size <= MOST_BYTES
    assert min(browser.open(path.as_uri()) for _ in range(5)) <= MOST_SECONDS


def test_picture_for_the_documentation_is_of_a_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(screenshot, "ROOT", tmp_path)
    monkeypatch.setattr(screenshot, "PICTURE", tmp_path / "page.png")
    monkeypatch.setattr(screenshot, "local_dir", lambda: tmp_path)
    with pytest.raises(UserError, match="there is no page yet; make one with: make replay"):
        screenshot.main([])
    (tmp_path / "report.html").write_text(
        recorded.replay(monkeypatch, [recorded.through(), recorded.failing()]), encoding="utf-8"
    )

    assert screenshot.main(["--scenario", "uploads/second"]) == 0

    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
    assert "of uploads/second" in capsys.readouterr().out
    with pytest.raises(UserError, match=r"uploads/none is not in the page"):
        screenshot.main(["--scenario", "uploads/none"])
