"""The local cloud's commands: `python -m workbench.local_cloud up|down|status|...`."""

import argparse

from workbench.local_cloud.down import down
from workbench.local_cloud.logs import show_logs
from workbench.local_cloud.status import status
from workbench.local_cloud.up import up
from workbench.stages import errors
from workbench.stages.stage import Stage


def main() -> int:
    """Run the command that the arguments name; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m workbench.local_cloud", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, about in {
        "up": "start the local cloud",
        "down": "stop it and forget all that was deployed on it",
        "status": "what runs where, and what differs from AWS",
        "logs": "the functions' log lines, by time (FN= chooses one function)",
    }.items():
        commands.add_parser(name, help=about)
    command = parser.parse_args().command
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
            show_logs(stage)
    return 0


if __name__ == "__main__":
    errors.run(main)
