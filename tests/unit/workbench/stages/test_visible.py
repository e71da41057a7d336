"""What comes from a file, a key or an event never reaches the terminal as it is."""

import ast
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from operations.commands import approve, reconcile, retry, send, sent_page
from operations.deployed import Deployed
from operations.reconciliation.report import Reconciliation
from operations.scenarios.session import IntakeSession
from operations.scenarios.uploads import Upload, UploadOutcome
from workbench.local_cloud import logs
from workbench.replay import redrive, report
from workbench.replay.result import Result
from workbench.replay.scenarios import EVENTS, read_scenario
from workbench.routes import __main__ as routes
from workbench.routes.matrix import Answer
from workbench.routes.questions import Question
from workbench.stages.errors import UserError, run
from workbench.stages.stage import LOCAL_ACCOUNT, ROOT, Stage
from workbench.stages.visible import say, visible

# Red, a bell, a line break that begins a line of its own, the other reading direction, and the
# one-byte form of an escape sequence.
HOSTILE = "a\x1b[31m\x07\r\nreconciled: balanced\u202efdp\x9b2J\u2028.csv"
SHOWN = r"a\x1b[31m\x07\r\nreconciled: balanced\u202efdp\x9b2J\u2028.csv"
STAGE = Stage("local")
ROW: dict[str, Any] = {
    "file_id": HOSTILE,
    "key": f"incoming/nordwind/{HOSTILE}",
    "route": "direct",
    "status": "Rejected",
    "reason": "wrong_header",
    "explanation": HOSTILE,
    "duplicate_of": HOSTILE,
    "approval": {"decision": "declined", "decided_by": HOSTILE},
}


def test_printable_text_is_left_as_it_is() -> None:
    for text in ("", "Grüße, 世界 🙂", "a  b", r"\x1b"):
        assert visible(text) == text


def test_each_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("one", HOSTILE)

    assert capsys.readouterr().out == f"one\n{SHOWN}\n"


@pytest.fixture
def a_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands run without a stage; each is given what it would find there."""
    monkeypatch.setenv("STAGE", "local")
    found = SimpleNamespace(stage=STAGE, rules=())
    for module in (approve, reconcile, redrive, retry, routes, send):
        monkeypatch.setattr(module, "Deployed", SimpleNamespace(find=lambda _: found))


def sends(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    file = folder / HOSTILE
    file.write_text("x")
    monkeypatch.setattr(send, "send", lambda *_: None)
    monkeypatch.setattr(send, "followed", lambda *_: ROW)
    monkeypatch.setattr(sent_page, "lines", lambda *_: [f"the page: {HOSTILE}"])
    send.main(["--file", str(file), "--partner", "nordwind"])


def approves(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    for name in ("awaiting", "give_decision"):
        monkeypatch.setattr(approve, name, lambda *_: ROW)
    monkeypatch.setattr(approve, "follow", lambda *_, **__: ROW)
    approve.main(["--file-id", "f", "--decision", "declined"])


def retries(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(retry, "read_row", lambda *_: None)
    monkeypatch.setattr(retry, "retry", lambda *_: ROW)
    retry.main(["--file-id", "f"])


def reconciles(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    reconciled = Reconciliation([], [f"{HOSTILE}: no outcome"], [HOSTILE])
    monkeypatch.setattr(reconcile, "check", lambda *_: reconciled)
    monkeypatch.setattr(reconcile, "find_database", lambda *_: None)
    reconcile.main([])


def redrives(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def refuse(*_: object) -> str:
        raise redrive.NotOurs(HOSTILE)

    message = {"MessageId": HOSTILE, "ReceiptHandle": "r"}
    monkeypatch.setattr(redrive, "messages", lambda *_: [message])
    monkeypatch.setattr(redrive, "hand_over", refuse)
    stage = SimpleNamespace(client=lambda _: None)
    redrive.redrive(SimpleNamespace(stage=stage), "q")  # type: ignore[arg-type]


def asks_routes(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    answer = Answer(Question(HOSTILE, {}, ("One",)), ())
    monkeypatch.setattr(routes, "questions", lambda _: [])
    monkeypatch.setattr(routes, "ask", lambda *_: [answer])
    routes.main([])


def shows_logs(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    event = {"timestamp": 0, "message": '{"message": "\\u001b[31m\\n", "key": "\\u009b2J"}'}
    plain = {"timestamp": 1, "message": HOSTILE}
    monkeypatch.setattr(logs, "_groups", lambda *_: {"PriceChunk": "group"})
    monkeypatch.setattr(logs, "_events", lambda *_: [event, plain])
    logs.show_logs(STAGE, logs.Wanted())


def reports_a_replay(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    scenario = read_scenario(EVENTS / "uploads" / "small_valid_file.csv")
    assert isinstance(scenario, Upload)
    seen = UploadOutcome(outcome=HOSTILE, reason=HOSTILE, curated_lines=1)
    result = Result(scenario, HOSTILE, HOSTILE, HOSTILE, 1.0, [HOSTILE], seen, "f")
    session = object.__new__(IntakeSession)
    session.deployed = Deployed(STAGE, LOCAL_ACCOUNT)
    report.progress(result)
    report.closing(session, [result], 1.0)


def fails(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def main() -> int:
        raise UserError(f"no rule takes {HOSTILE}")

    with pytest.raises(SystemExit):
        run(main)


COMMANDS = (
    sends,
    approves,
    retries,
    reconciles,
    redrives,
    asks_routes,
    shows_logs,
    reports_a_replay,
    fails,
)


@pytest.mark.usefixtures("a_stage")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.__name__)
def test_no_command_prints_control_characters(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: Callable[[pytest.MonkeyPatch, Path], None],
) -> None:
    command(monkeypatch, tmp_path)

    printed = "".join(capsys.readouterr())
    assert r"\x1b[31m" in printed
    raw = {one for one in printed if not one.isprintable()}
    assert raw <= {"\n"}, (
        f"{command.__name__} prints {raw} as they are: use workbench.stages.visible.say"
    )
    assert not [line for line in printed.split("\n") if line.startswith("reconciled: balanced")]


# What prints only its own words, or what the machine and the repository say.
OWN_WORDS = {
    "operations/services/outside.py",
    "stages/errors.py",
    "stages/stack.py",
    "stages/visible.py",
}
OWN_FOLDERS = {
    "bench", "checks", "deployment", "local_cloud", "machine", "mutants", "permissions",
    "sam_local",
}  # fmt: skip


def test_whatever_reads_files_keys_or_events_prints_through_say() -> None:
    found = []
    workbench = ROOT / "workbench" / "src" / "workbench"
    for path in sorted([*workbench.rglob("*.py"), *(ROOT / "operations").rglob("*.py")]):
        name = path.relative_to(ROOT)
        if path.is_relative_to(workbench):
            name = path.relative_to(workbench)
        if name.parts[0] in OWN_FOLDERS or str(name) in OWN_WORDS:
            continue
        calls = [one for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.Call)]
        if any(isinstance(one.func, ast.Name) and one.func.id == "print" for one in calls):
            found.append(str(name))

    assert found == [], "print with workbench.stages.visible.say there"
