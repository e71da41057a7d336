"""Every function has a unit test, and the settings that its code reads."""

import pytest

from order_intake import environment
from tests.template import functions
from workbench.stages.stage import ROOT

UNIT = ROOT / "tests" / "unit" / "handlers"
EACH = pytest.mark.parametrize("name", sorted(functions()))


@EACH
def test_it_has_a_unit_test(name: str) -> None:
    module = functions()[name]["Properties"]["Handler"].split(".")[-2]
    file = UNIT / f"test_{module}.py"
    assert file.is_file(), f"{name} has no unit test: write {file.relative_to(ROOT)}"


@EACH
def test_its_environment_is_what_its_settings_ask_for(name: str) -> None:
    wanted = {field.upper() for field in getattr(environment, name).__struct_fields__}
    given = set(functions()[name]["Properties"]["Environment"]["Variables"])
    assert given == wanted, f"template.yaml: {name} gets {given}, and its settings are {wanted}"
