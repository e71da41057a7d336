"""On each save: check, bring what changed to the local cloud, replay: `make watch`.

SCENARIO=… names the scenarios to replay (with commas); one that was saved is replayed by itself.
On another stage than `local`, `sam sync --watch` brings what changed, with the same settings.
"""

import os
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from watchfiles import Change, watch

from workbench.application.interface import application
from workbench.deployment.packaging import sam
from workbench.stages.errors import run
from workbench.stages.stage import ROOT, Stage
from workbench.stages.visible import say
from workbench.watch import saved, turns
from workbench.watch.saved import Saved

_WAITING = "waiting for a save"
_SETTLED_MILLISECONDS = 50  # an editor writes several files for one save
_LOOK_MILLISECONDS = 300  # for Ctrl-C, too


def main() -> int:
    """Watch until Ctrl-C."""
    stage = Stage.from_environment()
    if not stage.is_local:
        return sam.sync(stage)
    application().deployed.find(stage)
    scenarios = turns.named(os.environ.get("SCENARIO", ""))
    try:
        turns.take(Saved((), deploy=True), [])
        for what in _saves(scenarios):
            begun = time.monotonic()
            names = ", ".join(str(file.relative_to(ROOT)) for file in what.files)
            say("", f"{datetime.now().astimezone():%H:%M:%S} {names}", flush=True)
            turns.take(what, list(what.scenarios) or scenarios)
            say(f"{time.monotonic() - begun:.1f} s", flush=True)
    except KeyboardInterrupt:
        pass
    say("", "stopped; what was brought last stays deployed")
    return 0


def _saves(scenarios: list[Path]) -> Iterator[Saved]:
    """Yield what was saved, each time that something was; end with Ctrl-C."""
    names = ", ".join(path.stem for path in scenarios)
    is_announced = False
    for changes in watch(
        *saved.watched(), step=_SETTLED_MILLISECONDS, rust_timeout=_LOOK_MILLISECONDS,
        yield_on_timeout=True,
    ):  # fmt: skip
        what = saved.sorted_out(_lasting(changes))
        if what:
            yield what
            say(_WAITING, flush=True)
        elif not is_announced:  # once it looks, not before
            say(f"{_WAITING}; then: check, deploy what changed, replay {names} (Ctrl-C ends it)")
            sys.stdout.flush()
            is_announced = True


def _lasting(changes: set[tuple[Change, str]]) -> Iterator[Path]:
    """Yield the files that are there or were there before; not what an editor made in between."""
    for _, name in changes:
        if Path(name).exists() or (Change.added, name) not in changes:
            yield Path(name)


if __name__ == "__main__":
    run(main)
