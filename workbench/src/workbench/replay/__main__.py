"""`make replay`: let everything below events/ happen on a stage, and compare with what is expected.

What is uploaded goes into the deployed stage and is followed to its end; single events are shown to
the deployed rules; schedules' targets are called as the scheduler would.
"""

import argparse
import os
import time
from pathlib import Path

from workbench.application.interface import application
from workbench.deployment.deploy import confirm
from workbench.page import replayed as page
from workbench.replay import report
from workbench.replay.player import play_all
from workbench.replay.probe import open_probe
from workbench.replay.scenarios import find_scenarios
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
    parser.add_argument(
        "--full",
        action="store_true",
        default=os.environ.get("FULL", "") not in ("", "0"),
        help="the report has every way, not typical ones (FULL=1)",
    )
    parser.add_argument("--quick", action="store_true", help="without a reconciliation")
    asked = parser.parse_args(arguments)
    scenarios = find_scenarios(asked.paths)
    stage = Stage.from_environment()
    if not stage.is_local:
        confirm(stage, "Replay there, into what is stored there?")
        left_out = [one for one in scenarios if one.is_local_only]
        scenarios = [one for one in scenarios if one not in left_out]
        say(f"left out: {len(left_out)} scenarios that only the local cloud can make")
    deployed = application().deployed.find(stage)
    results = []
    start = time.monotonic()
    with open_probe(deployed) as probe:
        session = application().session(deployed, probe)
        report.opening(session, len(scenarios))
        for result in play_all(session, scenarios):
            report.progress(result)
            results.append(result)
        reconciled = None if asked.quick else session.reconcile()
    if asked.report:
        report.closing(session, results, time.monotonic() - start, full=asked.full)
    if reconciled:
        say(*reconciled.lines())
    say(*page.lines(session, results, reconciled))
    return max(report.verdict(results), reconciled is not None and not reconciled.balanced)


if __name__ == "__main__":
    run(main)
