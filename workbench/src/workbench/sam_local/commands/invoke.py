"""`make invoke FN=… EVENT=…`: one function, one event, one container."""

import json
from argparse import Namespace
from pathlib import Path

from workbench.application.interface import application
from workbench.local_cloud import ports
from workbench.machine.packages import install_into
from workbench.machine.setup import VENVS
from workbench.sam_local import calls, fixtures, report
from workbench.sam_local.session import Session, open_session
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT
from workbench.stages.visible import say

DEBUG_PORT = 5678
_DEBUGGER = VENVS / "debugger"
_REQUIREMENTS = ROOT / "requirements" / "debugger.txt"
# Where SAM puts `--debugger-path`, in the container.
_MOUNTED = "/tmp/lambci_debug_files"  # noqa: S108  # nosec B108


def main(arguments: Namespace) -> int:
    """Call the function with the event; 1 when it comes out otherwise than expected."""
    function, named = arguments.fn, arguments.event
    if not function or not named:
        raise UserError(
            "say which function and which event: make invoke FN=<function> "
            "EVENT=events/functions/<function>/<event>.json"
        )
    path = fixtures.find_event(fixtures.find_function(function), named)
    fixture = fixtures.read_event(function, path)
    with open_session() as session, application().prepared(session.deployed, fixture) as call:
        options = _debugger() if arguments.debug else ()
        answer = calls.invoke(session, function, call.event, *options)
    _show(session, fixture, answer)
    if not fixture.has_expectation:
        return 1 if answer.error else 0
    differences = fixtures.differences(call.expect, answer.payload)
    for line in differences:
        say(f"differs: {line}")
    say("not as expected" if differences else "as expected")
    return 1 if differences else 0


def _show(session: Session, fixture: fixtures.Fixture, answer: calls.Answer) -> None:
    for line in report.readable_log(answer.log):
        say(line)
    if answer.payload is None:
        say("no payload: the function ran into its timeout, or its container ended")
    else:
        say(*json.dumps(answer.payload, indent=2, ensure_ascii=False).splitlines())
    say(f"{fixture.function} in {session.image}: {answer.seconds:.1f} s", flush=True)


def _debugger() -> tuple[str, ...]:
    """SAM's options that make the function wait for a debugger; says how to attach one."""
    port = ports.choose("DEBUG_PORT", DEBUG_PORT)
    _install_debugger()
    say(
        f"waiting for a debugger on {ports.HOST}:{port} (debugpy; the code is in /var/task, "
        "yours in src/). VS Code: Python Debugger: Remote Attach. Ctrl-C gives up.",
        flush=True,
    )
    arguments = f"{_MOUNTED}/debugpy --listen 0.0.0.0:{port} --wait-for-client"
    return (
        "--debug-port", str(port), "--debugger-path", str(_DEBUGGER), "--debug-args", arguments,
    )  # fmt: skip


def _install_debugger() -> None:
    note = _DEBUGGER / "requirements.txt"
    wanted = _REQUIREMENTS.read_text()
    if note.exists() and note.read_text() == wanted:
        return
    install_into(_DEBUGGER, _REQUIREMENTS)
    Path(note).write_text(wanted)
