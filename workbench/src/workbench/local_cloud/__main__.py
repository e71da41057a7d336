"""The local cloud's commands: `python -m workbench.local_cloud up|down|status|...`."""

import argparse
import sys

from operations.services import database, psql
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
        "logs": "the functions' log lines, by time (FN=, FILE_ID= choose)",
        "psql": "a PostgreSQL shell as the functions' role; more arguments go to psql",
        "connect-database": "make the database and the functions' role from the secret",
    }.items():
        commands.add_parser(name, help=about)
    # What comes after `psql` is psql's own, however it looks.
    words = sys.argv[1:]
    mine = words[:1] if words[:1] == ["psql"] else words
    command = parser.parse_args(mine).command
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
        case "psql":
            return psql.run(stage, words[1:])
        case "connect-database":
            database.connect_database(stage)
            print("the orders database has its roles; `make deploy` makes its tables")
    return 0


if __name__ == "__main__":
    errors.run(main)
