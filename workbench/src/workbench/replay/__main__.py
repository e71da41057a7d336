"""`make replay`: let everything below events/ happen on a stage, and compare with what is expected.

Uploads go into the deployed stage and are followed to their end; single events are shown to the
deployed rules; schedules' targets are called as the scheduler would.
"""

import argparse
import time
from pathlib import Path

from operations.database.connection import find_database
from workbench.deployment.deploy import confirm
from workbench.replay import report
from workbench.replay.player import Replay, play_all
from workbench.replay.probe import open_probe
from workbench.replay.situations import Upload, find_situations
from workbench.stages.deployed import Deployed
from workbench.stages.errors import run
from workbench.stages.stage import Stage
from workbench.stages.visible import say


def main(arguments: list[str] | None = None) -> int:
    """Replay what the command line names; 1 when anything differs."""
    parser = argparse.ArgumentParser(prog="make replay", description=__doc__)
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="a file or folder below events/; all of events/ without one",
    )
    parser.add_argument("--report", action="store_true", help="end with a report for people")
    asked = parser.parse_args(arguments)
    situations = find_situations(asked.paths)
    stage = Stage.from_environment()
    if not stage.is_local:
        confirm(stage, "Replay there, into its ledger, its database and its partner's webhook?")
        left_out = [one for one in situations if isinstance(one, Upload) and one.is_local_only]
        situations = [one for one in situations if one not in left_out]
        say(f"left out: {len(left_out)} situations that only the local cloud can make")
    deployed = Deployed.find(stage)
    database = find_database(deployed)
    results = []
    start = time.monotonic()
    report.opening(stage, len(situations), database)
    with open_probe(deployed) as probe:
        replay = Replay(deployed, probe, database)
        for result in play_all(replay, situations):
            report.progress(result)
            results.append(result)
        reconciled = replay.reconcile()
    if asked.report:
        report.closing(stage, deployed.bucket, results, time.monotonic() - start)
    if reconciled:
        say(*reconciled.lines())
    return max(report.verdict(results), reconciled is not None and not reconciled.balanced)


if __name__ == "__main__":
    run(main)
