"""What these tests share: one open session, and warm containers in it."""

from collections.abc import Iterator

import pytest

from workbench.sam_local import calls, engine
from workbench.sam_local.session import Session, open_session


@pytest.fixture(scope="session", autouse=True)
def _container_engine() -> None:
    fault = engine.find_fault()
    if fault:
        pytest.skip(fault)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """An open way from containers to the local cloud, which `make test` has brought up."""
    with open_session() as opened:
        yield opened


@pytest.fixture(scope="module")
def warm(session: Session) -> Iterator[calls.Warm]:
    """One `sam local start-lambda` with a container for each function."""
    with calls.warm_containers(session) as running:
        yield running
