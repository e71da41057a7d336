"""`make logs`: each error once, readable traces, and following until Ctrl-C."""

import json
import time
from types import SimpleNamespace
from typing import Any

import pytest

from workbench.local_cloud import logs
from workbench.local_cloud.logs import Line, Wanted
from workbench.stages.stage import Stage

PLACE = "/home/me/.local/tmp/ministack-lambda-parcels-local-Weigh-x1_/code/parcels/weigh.py"
TRACE = f"Traceback (most recent call last):\n  File \"{PLACE}\", line 3\nKeyError: 'a'"
LOGGED = json.dumps(
    {"level": "ERROR", "message": "failed", "exception_name": "KeyError", "exception": TRACE}
)
RAISED = (
    "[ERROR] KeyError: 'a'\nTraceback (most recent call last):\n\xa0\xa0File \"/var/task/x.py\""
)


def shown(monkeypatch: pytest.MonkeyPatch, *messages: str, **wanted: Any) -> list[str]:
    lines = [Line(0, "Weigh", "s", str(number), each) for number, each in enumerate(messages)]
    monkeypatch.setattr(logs, "_groups", lambda *_: {})
    monkeypatch.setattr(logs, "_lines", lambda *_: lines)
    said: list[str] = []
    monkeypatch.setattr(logs, "say", lambda *each, **_: said.extend(each))
    logs.show_logs(Stage("local"), Wanted(**wanted))
    return [line.removeprefix("00:00:00.000 ") for line in said]


def test_an_error_that_its_function_logs_with_its_trace_is_shown_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = shown(monkeypatch, "START RequestId: 1", LOGGED, RAISED, "END RequestId: 1")

    assert lines == [
        "Weigh              ERROR failed",
        "Weigh                Traceback (most recent call last):",
        'Weigh                  File "parcels/weigh.py", line 3',
        "Weigh                KeyError: 'a'",
    ]


def test_an_error_that_its_function_does_not_log_has_its_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    warning = '{"level": "WARNING", "message": "failed"}'

    lines = shown(monkeypatch, warning, RAISED)

    assert lines[1:] == [
        "Weigh              [ERROR] KeyError: 'a'",
        "Weigh                Traceback (most recent call last):",
        'Weigh                  File "x.py"',
    ]


def test_the_next_invocations_error_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(monkeypatch, LOGGED, RAISED, "START RequestId: 2", RAISED)

    assert len([line for line in lines if "[ERROR]" in line]) == 1


def test_lines_that_come_are_shown_once_each_until_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    now = int(time.time() * 1000)
    first, second = Line(now, "Weigh", "s", "1", "one"), Line(now, "Weigh", "s", "2", "two")
    looks = [[first], [first, second], [second]]

    def lines(*_: object) -> list[Line]:
        if not looks:
            raise KeyboardInterrupt
        return looks.pop(0)

    said: list[str] = []
    monkeypatch.setattr(logs, "_groups", lambda *_: {})
    monkeypatch.setattr(logs, "_lines", lines)
    monkeypatch.setattr(logs, "time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr(logs, "say", lambda *each, **_: said.extend(each))

    logs.follow_logs(Stage("local"), Wanted(), "60")

    assert [line.split()[-1] for line in said] == ["one", "two"]
