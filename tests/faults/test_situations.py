"""Every situation of events/faults, end to end on the local cloud, while something fails."""

from collections.abc import Iterator

import pytest

from operations.deployed import Deployed
from operations.scenarios.session import IntakeSession
from workbench.replay.probe import open_probe
from workbench.replay.situations import FAULTS, Situation, find_situations

SITUATIONS = find_situations([FAULTS])


@pytest.fixture(scope="module")
def replay(deployed: Deployed) -> Iterator[IntakeSession]:
    with open_probe(deployed) as probe:
        playing = IntakeSession(deployed, probe)
        yield playing
        reconciled = playing.reconcile()
    assert reconciled is not None
    assert reconciled.balanced, reconciled.lines()


@pytest.mark.parametrize("situation", SITUATIONS, ids=[one.name for one in SITUATIONS])
def test_it_comes_as_expected(replay: IntakeSession, situation: Situation) -> None:
    assert replay.play(situation).differences == []
