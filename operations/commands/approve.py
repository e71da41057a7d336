"""`make approve`: approve or decline a file that awaits a decision, and see what comes of it."""

import argparse
import os

from operations.commands.send import about_the_failure, explained
from operations.deployed import Deployed
from operations.files.decide import DECISIONS, give_decision, me
from operations.files.follow import follow
from operations.files.order_file import AWAITING, FINAL, Row, question_of, read_row
from workbench.stages.errors import THROUGH_MAKE, UserError, run
from workbench.stages.stage import Stage
from workbench.stages.visible import say

EXITS = f"""\
exit status: 0 when the decision had its effect (Accepted, or the next question, after approved,
Declined after declined); 1 when the file failed after it, or when there is nothing to decide.
{THROUGH_MAKE}"""


def awaiting(deployed: Deployed, file_id: str) -> Row:
    """The ledger's row of a file that awaits a decision; UserError when it does not."""
    row = read_row(deployed, file_id)
    if row is None:
        raise UserError(f"no file {file_id!r} on stage {deployed.stage.name}; make send prints ids")
    decided = row.get("approval")
    if decided and decided.get("question_id", question_of(row)) == question_of(row):
        raise UserError(
            f"file {file_id} was already {decided['decision']} by {decided['decided_by']}"
        )
    if row["status"] in FINAL:
        raise UserError(f"file {file_id} awaits no approval: it is {row['status']}")
    if row["status"] != AWAITING:
        raise UserError(f"file {file_id} awaits no approval yet: it is {row['status']}")
    return row


def main(arguments: list[str] | None = None) -> int:
    """Give the decision that the command line names; see EXITS for the exit status."""
    parser = argparse.ArgumentParser(
        prog="make approve",
        description=__doc__,
        epilog=EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--file-id", default=os.environ.get("FILE_ID"), help="the file's id (FILE_ID=…)"
    )
    parser.add_argument(
        "--decision", default=os.environ.get("DECISION"), help="approved or declined (DECISION=…)"
    )
    parser.add_argument("--by", default=os.environ.get("BY") or me(), help="who decides (you)")
    asked = parser.parse_args(arguments)
    if not asked.file_id or asked.decision not in DECISIONS:
        raise UserError(
            "name the file and what to do: make approve FILE_ID=… DECISION=approved|declined"
        )
    stage = Stage.from_environment()
    deployed = Deployed.find(stage)
    question = question_of(awaiting(deployed, asked.file_id))
    give_decision(deployed, asked.file_id, asked.decision, asked.by)
    row = follow(deployed, asked.file_id, lambda: False, answered=question)
    make_arguments = "" if stage.is_local else f" STAGE={stage.name}"
    say(*explained(row, row["key"].rsplit("/", 1)[-1], make_arguments))
    if row["status"] == "Failed":
        say(*about_the_failure(deployed, row))
    effects = ("Accepted", AWAITING) if asked.decision == "approved" else ("Declined",)
    return 0 if row["status"] in effects else 1


if __name__ == "__main__":
    run(main)
