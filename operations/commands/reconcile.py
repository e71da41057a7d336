"""`make reconcile`: is everything that came in accounted for, once, and the same everywhere?

Every upload has one final row in the ledger and one outcome event (or is under way); its lines are
curated or refused; the database has the accepted lines of accepted files and no others; no task
token, secret or customer's data is in a log, a history or an event.
"""

import argparse
import os
from datetime import UTC, datetime, timedelta
from typing import Any

from operations.database.connection import find_database
from operations.deployed import Deployed
from operations.reconciliation.archive import read_archive
from operations.reconciliation.report import check
from workbench.replay.archive import moment
from workbench.stages.errors import run
from workbench.stages.stage import Stage
from workbench.stages.visible import say

LONG_AGO = datetime(2006, 3, 14, tzinfo=UTC)  # before there was anything on AWS
USUALLY = timedelta(days=2)


def main(arguments: list[str] | None = None) -> int:
    """Reconcile the stage; 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="make reconcile", description=__doc__)
    parser.add_argument(
        "--from",
        dest="since",
        default=os.environ.get("FROM"),
        help="uploads since then, UTC; two days, or all on the local stage (FROM=)",
    )
    parser.add_argument(
        "--archive",
        action="store_true",
        default=os.environ.get("ARCHIVE", "") not in ("", "0"),
        help="on AWS: count the outcome events in the bus's archive, too (ARCHIVE=1)",
    )
    asked = parser.parse_args(arguments)
    deployed = Deployed.find(Stage.from_environment())
    since = LONG_AGO if deployed.stage.is_local else datetime.now(UTC) - USUALLY
    if asked.since:
        since = moment("FROM", asked.since)

    def events() -> list[dict[str, Any]]:
        return read_archive(deployed, since, datetime.now(UTC))

    counted = asked.archive or deployed.stage.is_local
    reconciled = check(deployed, find_database(deployed), events if counted else None, since)
    say(*reconciled.lines())
    return 0 if reconciled.balanced else 1


if __name__ == "__main__":
    run(main)
