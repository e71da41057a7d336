"""What these tests share: an emulator of their own that does not wait, and what stands in it."""

from collections.abc import Callable, Iterator

import pytest

from tests.local_cloud import emulator
from tests.workflow.executions import Bench, Executions
from tests.workflow.single_states import SingleStates
from workbench.local_cloud import processes


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A MiniStack in which delays take a thousandth of their time, with functions that pretend."""
    folder = tmp_path_factory.mktemp("workflow")
    running, process = emulator.start(folder, SFN_WAIT_SCALE=0.001)
    yield Bench(running, folder)
    processes.kill_group(process.pid)
    process.wait()


@pytest.fixture
def executions(bench: Bench, record_property: Callable[[str, object], None]) -> Executions:
    """Runs the whole workflow; the edges it takes go into the test's report."""
    return Executions(bench, lambda edge: record_property("edge", f"OrderIntake: {edge}"))


@pytest.fixture
def states(bench: Bench, record_property: Callable[[str, object], None]) -> SingleStates:
    """Runs one state by TestState; the edges it takes go into the test's report."""
    return SingleStates(
        bench.emulator, lambda edge: record_property("edge", f"OrderIntake: {edge}")
    )
