"""Every scenario of events/faults, end to end on the local cloud, while something fails."""

from collections.abc import Iterator

import pytest

from operations.deployed import Deployed
from operations.scenarios.session import IntakeSession
from workbench.replay.probe import open_probe
from workbench.replay.scenarios import FAULTS, Scenario, find_scenarios

SCENARIOS = find_scenarios([FAULTS])


@pytest.fixture(scope="module")
def replay(deployed: Deployed) -> Iterator[IntakeSession]:
    with open_probe(deployed) as probe:
        playing = IntakeSession(deployed, probe)
        yield playing
        reconciled = playing.reconcile()
    assert reconciled is not None
    assert reconciled.balanced, reconciled.lines()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[one.name for one in SCENARIOS])
def test_it_comes_as_expected(replay: IntakeSession, scenario: Scenario) -> None:
    assert replay.play(scenario).differences == []
