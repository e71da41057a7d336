"""A model of what must be true, and random steps on the local cloud compared with it.

`make model STEPS=… SEED=…` runs longer, or the same again; a failure prints the steps before it.
"""

import os
import random
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.stateful import run_state_machine_as_test

from operations.deployed import Deployed
from tests.model.machine import DONE, DRAWN, KINDS, SECONDS, Enough, OrderFiles
from tests.model.stage import ModelStage
from workbench.replay.probe import open_probe

STEPS = int(os.environ.get("STEPS") or 330)
SEED = int(os.environ.get("SEED") or time.time_ns() % 1_000_000)
STEPS_OF_A_WORLD = 112
FEWEST = 10  # of each kind of step, in 300


class AtRandom(HypothesisProvider):
    """A source of numbers for Hypothesis: each is drawn anew.

    By itself Hypothesis begins with examples of as many zeros as can be, and varies what it has
    had. It does not come further than that with some worlds of a hundred steps: whatever the seed,
    they would be nearly the same.
    """

    drawn = random.Random(SEED)  # noqa: S311 - chooses steps, keeps no secret

    def __init__(self, data: Any, /) -> None:
        super().__init__(data)
        self._random = self.drawn


@pytest.fixture
def stage(deployed: Deployed) -> Iterator[ModelStage]:
    with open_probe(deployed) as probe:
        opened = ModelStage(deployed, probe)
        yield opened
        opened.close()


def line_of(kind: str) -> str:
    return f"{DONE[kind]:5} × {SECONDS[kind] / max(1, DONE[kind]):4.1f} s  {kind}"


def test_random_steps_leave_what_the_model_expects(
    stage: ModelStage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\nSEED={SEED} STEPS={STEPS}\n")
    report: list[str] = []
    inputs = {"stage": stage, "report": report, "steps_wanted": STEPS}
    monkeypatch.setitem(AVAILABLE_PROVIDERS, "at random", AtRandom)
    try:
        run_state_machine_as_test(
            type("World", (OrderFiles,), inputs),
            settings=settings(
                max_examples=STEPS,  # worlds, more than enough: OrderFiles says when it is enough
                stateful_step_count=STEPS_OF_A_WORLD,
                deadline=None,
                database=None,
                backend="at random",
                phases=[Phase.generate],
                verbosity=Verbosity.normal,
                suppress_health_check=list(HealthCheck),
            ),
        )
    except Enough:
        pass
    except Exception:
        if not report:  # what was wrong first
            raise
    assert not report, "\n".join(report)
    with capsys.disabled():
        sys.stdout.write("\n".join(map(line_of, sorted(KINDS))) + "\n")
    assert sum(DONE.values()) >= STEPS
    assert len(DRAWN) > STEPS // 2, "the steps are not random: Hypothesis drew the same numbers"
    assert [kind for kind in KINDS if DONE[kind] < FEWEST * STEPS // 330] == []
