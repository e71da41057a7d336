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

from tests.model.machine import DONE, KINDS, OrderFiles
from tests.model.stage import ModelStage
from tools.deployed import Deployed
from tools.replay.probe import open_probe

STEPS = int(os.environ.get("STEPS") or 330)
SEED = int(os.environ.get("SEED") or time.time_ns() % 1_000_000)
STEPS_OF_A_WORLD = 66
FEWEST = 10  # of each kind of step, in 300


@pytest.fixture
def stage(deployed: Deployed) -> Iterator[ModelStage]:
    with open_probe(deployed) as probe:
        opened = ModelStage(deployed, probe)
        yield opened
        opened.close()


def test_random_steps_leave_what_the_model_expects(
    stage: ModelStage, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\nSEED={SEED} STEPS={STEPS}\n")
    report: list[str] = []
    machine = seed(SEED)(type("World", (OrderFiles,), {"stage": stage, "report": report}))
    worlds = -(-STEPS // STEPS_OF_A_WORLD)
    with contextlib.suppress(Exception):  # what was wrong first is in the report
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=worlds,
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
        sys.stdout.write("\n".join(f"{DONE[kind]:5} {kind}" for kind in sorted(KINDS)) + "\n")
    assert sum(DONE.values()) >= STEPS
    assert [kind for kind in KINDS if DONE[kind] < FEWEST * STEPS // 330] == []
