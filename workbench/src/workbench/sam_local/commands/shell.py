"""`make sam-shell`: a shell in which plain `sam local invoke` works as it stands."""

import contextlib
import json
import os
import shlex
import subprocess
from argparse import Namespace
from pathlib import Path

from workbench.application.interface import application
from workbench.deployment.packaging.sam import SAM
from workbench.sam_local import fixtures
from workbench.sam_local.session import Session, open_session
from workbench.stages.stage import ROOT


def main(arguments: Namespace) -> int:
    """Open a shell, or run one command in it instead; its exit code.

    The fixtures are prepared, and their events, with the ids of this session, are in $EVENTS.
    """
    command = arguments.cmd
    shell = os.environ.get("SHELL") or "/bin/sh"
    with open_session() as session, contextlib.ExitStack() as stack:
        events = session.folder / "events"
        for fixture in fixtures.all_fixtures():
            call = stack.enter_context(application().prepared(session.deployed, fixture))
            path = events / fixture.function / fixture.path.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(call.event, indent=2, ensure_ascii=False) + "\n")
        environment = session.environment | {
            "EVENTS": str(events),
            "PATH": f"{_programs(session)}:{os.environ['PATH']}",
        }
        if not command:
            first = min(events.glob("*/*.json"), default=events)
            where = first.relative_to(events)
            print(f'for example: sam local invoke {where.parent} -e "$EVENTS"/{where}')
            print("`exit` closes the way to the local cloud and removes what was prepared")
        call_shell = [shell, "-c", command] if command else [shell]
        return subprocess.run(call_shell, cwd=ROOT, env=environment).returncode


def _programs(session: Session) -> Path:
    """A folder with a `sam` that knows the session."""
    folder = session.folder / "bin"
    folder.mkdir()
    options = " ".join(shlex.quote(option) for option in session.options)
    sam = folder / "sam"
    sam.write_text(
        "#!/bin/sh\n"
        'case "$1 $2" in\n'
        f'  "local invoke" | "local start-lambda") exec {shlex.quote(str(SAM))} "$@" {options} ;;\n'
        f'  *) exec {shlex.quote(str(SAM))} "$@" ;;\n'
        "esac\n"
    )
    sam.chmod(0o700)
    return folder
