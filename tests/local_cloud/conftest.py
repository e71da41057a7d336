"""What the end-to-end tests share: the local cloud of this checkout, running and deployed."""

import pytest

from tools.deployed import Deployed
from tools.errors import UserError
from tools.stage import Stage


@pytest.fixture(scope="session")
def deployed() -> Deployed:
    """The stage `local`; `make test` brings it up and deploys it before the tests start."""
    try:
        return Deployed.find(Stage("local"))
    except UserError as missing:
        pytest.skip(str(missing))
