"""A model of what must be true, and random steps on the local cloud compared with it.

`make model STEPS=… SEED=…` runs longer, or the same again; a failure prints the steps before it.
"""

import contextlib
import os
import sys
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import DONE, KINDS, SECONDS, Enough, OrderFiles
from tests.model.stage import ModelStage
from workbench.replay.probe import open_probe
from workbench.stages.deployed import Deployed

STEPS = int(os.environ.get("STEPS") or 330)
SEED = int(os.environ.get("SEED") or time.time_ns() % 1_000_000)
STEPS_OF_A_WORLD = 110
FEWEST = 10  # of each kind of step, in 300


@pytest.fixture
def stage(deployed: Deployed) -> Iterator[ModelStage]:
    with open_probe(deployed) as probe:
        opened = ModelStage(deployed, probe)
        yield opened
        opened.close()


def line_of(kind: str) -> str:
    return f"{DONE[kind]:5} × {SECONDS[kind] / max(1, DONE[kind]):4.1f} s  {kind}"


def test_random_steps_leave_what_the_model_expects(
    stage: ModelStage, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\nSEED={SEED} STEPS={STEPS}\n")
    report: list[str] = []
    inputs = {"stage": stage, "report": report, "steps_wanted": STEPS}
    machine = seed(SEED)(type("World", (OrderFiles,), inputs))
    with contextlib.suppress(Enough, Exception):  # what was wrong first is in the report
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=STEPS,  # worlds, some of one step: OrderFiles says when it is enough
                stateful_step_count=STEPS_OF_A_WORLD,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                verbosity=Verbosity.normal,
                suppress_health_check=list(HealthCheck),
            ),
        )
    assert not report, "\n".join(report)
    with capsys.disabled():
        sys.stdout.write("\n".join(map(line_of, sorted(KINDS))) + "\n")
    assert sum(DONE.values()) >= STEPS
    assert [kind for kind in KINDS if DONE[kind] < FEWEST * STEPS // 330] == []
