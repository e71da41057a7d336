"""`make history`: what an execution did, state by state; without a name, the newest executions."""

import argparse
import difflib
import json
import os
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from workbench.application.interface import application
from workbench.history import finding, shown
from workbench.history.model import Execution
from workbench.history.reading import read_execution
from workbench.replay.report import console
from workbench.stages.deployed import Deployed
from workbench.stages.errors import UserError, run
from workbench.stages.stage import Stage
from workbench.stages.visible import say, visible

NEWEST = 10


def main(arguments: list[str] | None = None) -> int:
    """Print the execution that the command line names, or one of its states."""
    asked = _parser().parse_args(arguments)
    stage = Stage.from_environment()
    deployed = application().deployed.find(stage)
    if asked.state and not (asked.execution or asked.about):
        raise UserError("STATE is a state of which execution? say EXECUTION, too")
    if not (asked.execution or asked.about):
        _list_newest(deployed, as_json=asked.json)
        return 0
    arns, notes = _chosen(deployed, asked)
    client = stage.client("stepfunctions")
    executions = [read_execution(client, arn) for arn in arns]
    if asked.json:
        say(json.dumps(_plain(executions, asked.state)))
        return 0
    out = console()
    for execution in executions:
        _show(out, execution, asked.state)
    say(*notes)
    return 0


def _parser() -> argparse.ArgumentParser:
    setting = os.environ.get
    parser = argparse.ArgumentParser(prog="make history", description=__doc__)
    parser.add_argument(
        "--execution", default=setting("EXECUTION"), help="its name or ARN (EXECUTION=…)"
    )
    subject = application().subject.upper()
    parser.add_argument(
        "--about",
        default=setting(subject) if subject else None,
        help=f"the execution that belongs to one ({subject or 'nothing here'}=…)",
    )
    parser.add_argument(
        "--state", default=setting("STATE"), help="only this state, nothing cut (STATE=…)"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        default=setting("JSON", "") not in ("", "0"),
        help="print one line of JSON (JSON=1)",
    )
    return parser


def _chosen(deployed: Deployed, asked: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Return the ARNs that are asked about, and what else is to be said."""
    if asked.execution:
        return [finding.find(deployed, asked.execution)], []
    way = application().way_of(deployed, asked.about)
    return list(way.executions), list(way.notes)


def _list_newest(deployed: Deployed, *, as_json: bool) -> None:
    found = finding.newest(deployed, NEWEST)
    if as_json:
        say(json.dumps([_brief(one) for one in found]))
        return
    if not found:
        say("no execution yet; make replay starts some")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("began (UTC)", "state machine", "status", "EXECUTION="):
        table.add_column(name, no_wrap=True)
    for one in found:
        brief = _brief(one)
        values = (brief["began"], brief["machine"], brief["status"], brief["name"])
        table.add_row(*(Text(visible(value)) for value in values))
    # As wide as it is: a name that is cut cannot be used.
    Console(width=200, highlight=False).print(table)


def _brief(execution: dict[str, Any]) -> dict[str, str]:
    return {
        "began": f"{execution['startDate']:%Y-%m-%d %H:%M:%S}",
        "machine": execution["stateMachineArn"].rpartition(":")[2],
        "status": execution["status"],
        "name": execution["name"],
    }


def _plain(executions: list[Execution], state: str | None) -> Any:
    if state:
        return msgspec.to_builtins(
            [visit for one in executions for visit in _visits(one, state)], str_keys=True
        )
    return msgspec.to_builtins(executions[0] if len(executions) == 1 else executions)


def _show(out: Console, execution: Execution, state: str | None) -> None:
    if not state:
        shown.show(out, execution)
        return
    for visit in _visits(execution, state):
        shown.show_whole(out, visit)


def _visits(execution: Execution, name: str) -> list[Any]:
    """Return the visits to a state; UserError, with the nearest names, where there is none."""
    if found := shown.find_states(execution, name):
        return found
    names = list(dict.fromkeys(one.name for one in shown.every_state(execution.states)))
    near = difflib.get_close_matches(name, names)
    hint = f"did you mean {' or '.join(near)}?" if near else f"it entered {', '.join(names)}"
    raise UserError(f"the execution did not enter STATE={name}; {hint}")


if __name__ == "__main__":
    run(main)
