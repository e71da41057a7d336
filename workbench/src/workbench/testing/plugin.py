"""The workbench's pytest plugin: what every service gets without a test of its own.

`-p workbench.testing.plugin` in pytest's addopts. It adds `contract/` to a run of tests/ or
tests/contract/, and reports which edges of the workflows the tests have taken.
"""

from pathlib import Path

import pytest

from workbench.stages.stage import ROOT
from workbench.testing.contract import deployed

pytest_plugins = ["workbench.testing.edges_report"]

CONTRACT = Path(__file__).with_name("contract")
BESIDE = ROOT / "tests" / "contract"


def pytest_configure(config: pytest.Config) -> None:
    """Add the tests of the workbench to those that are asked for."""
    asked = [Path(config.invocation_params.dir, arg) for arg in config.args]
    if str(CONTRACT) not in config.args and any(
        path == BESIDE or path in BESIDE.parents for path in asked
    ):
        config.args.append(str(CONTRACT))


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out what reads the template where it cannot be deployed: test_template.py says so."""
    reads = collection_path.parent == CONTRACT and collection_path.name.startswith("test_")
    if reads and collection_path.name != "test_template.py" and deployed.fault():
        return True
    return None
