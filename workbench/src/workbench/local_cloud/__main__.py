"""The local cloud's commands: `python -m workbench.local_cloud up|down|status|...`."""

import argparse
import os

from workbench.application.interface import application
from workbench.local_cloud.down import down
from workbench.local_cloud.logs import Wanted, follow_logs, show_logs
from workbench.local_cloud.status import status
from workbench.local_cloud.up import up
from workbench.stages import errors
from workbench.stages.stage import Stage


def main() -> int:
    """Run the command that the arguments name; its exit code."""
    arguments = _parser().parse_args()
    command = arguments.command
    stage = Stage.from_environment()
    if command in ("up", "down") and not stage.is_local:
        raise errors.UserError(f"`make {command}` is for this machine's stage; leave STAGE out")
    match command:
        case "up":
            up()
        case "down":
            down()
        case "status":
            return status(stage)
        case "logs":
            wanted = Wanted(arguments.fn, arguments.about, arguments.all)
            if arguments.follow:
                follow_logs(stage, wanted, arguments.minutes or "1")
            else:
                show_logs(stage, wanted, arguments.minutes or "60")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workbench.local_cloud", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start the local cloud")
    commands.add_parser("down", help="stop it and forget all that was deployed on it")
    commands.add_parser("status", help="what runs where, and what differs from AWS")
    logs = commands.add_parser("logs", help="the functions' log lines, by time")
    subject, setting = application().subject.upper(), os.environ.get
    logs.add_argument("--fn", default=setting("FN"), help="those of one function (FN=…)")
    logs.add_argument("--about", default=setting(subject), help=f"those about one ({subject}=…)")
    back = "how far back, else 60, or 1 when following (MINUTES=…)"
    logs.add_argument("--minutes", default=setting("MINUTES"), help=back)
    coming = "go on with what comes, until Ctrl-C (FOLLOW=1)"
    on = setting("FOLLOW", "") not in ("", "0")
    logs.add_argument("--follow", action="store_true", default=on, help=coming)
    everything = "the platform's own lines and metrics, too (ALL=1)"
    logs.add_argument("--all", action="store_true", default=setting("ALL") == "1", help=everything)
    return parser


if __name__ == "__main__":
    errors.run(main)
