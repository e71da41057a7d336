"""Every function has what belongs to it, and its name in each language's own case."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from order_intake import environment
from tests.template import functions, resources
from workbench.stages.stage import ROOT

HANDLERS = ROOT / "src" / "order_intake" / "handlers"


def snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", sorted(functions()))


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = resources()[name]["Properties"]
    return found


def test_the_handler_module_carries_the_functions_name(name: str) -> None:
    module, _, attribute = properties(name)["Handler"].rpartition(".")
    assert module == f"order_intake.handlers.{snake_case(name)}"
    assert (HANDLERS / f"{snake_case(name)}.py").is_file()
    assert callable(getattr(importlib.import_module(module), attribute))


def test_it_names_its_memory_and_its_time(name: str) -> None:
    memory, seconds = properties(name).get("MemorySize", 0), properties(name).get("Timeout", 0)
    assert memory >= 256, f"{name} would have Lambda's 128 MB: name its MemorySize"
    assert seconds >= 30, f"{name} would be killed after {seconds or 3} s: name its Timeout"


def test_it_has_a_unit_test(name: str) -> None:
    assert (ROOT / "tests" / "unit" / "handlers" / f"test_{snake_case(name)}.py").is_file()


def test_it_has_a_log_group_of_its_own_name_with_retention_and_key(name: str) -> None:
    group = resources()[f"{name}Logs"]["Properties"]
    assert group["LogGroupName"] == {"Fn::Sub": f"/aws/lambda/${{Project}}-${{Stage}}-{name}"}
    kept = group.get("RetentionInDays")
    assert kept == {"Ref": "LogRetentionDays"}, f"{name}Logs is kept for ever, and paid for"
    key = group.get("KmsKeyId")
    assert key == {"Ref": "DataKeyArn"}, f"{name}Logs is not encrypted with the data key"
    assert properties(name)["LoggingConfig"]["LogGroup"] == {"Ref": f"{name}Logs"}


def test_it_has_a_role_of_its_own(name: str) -> None:
    assert properties(name)["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    statements = resources()[f"{name}Role"]["Properties"]["Policies"][0]["PolicyDocument"]
    for statement in statements["Statement"]:
        said = f"{name}Role: {statement.get('Sid')} allows more than is needed: a wildcard"
        assert statement["Resource"] != "*", said
        assert "*" not in str(statement["Action"]), said


def test_its_environment_is_what_its_settings_ask_for(name: str) -> None:
    wanted = {field.upper() for field in getattr(environment, name).__struct_fields__}
    assert set(properties(name)["Environment"]["Variables"]) == wanted


def test_no_handler_is_without_a_function() -> None:
    modules = {path.stem for path in Path(HANDLERS).glob("*.py")} - {"__init__"}
    assert modules == {snake_case(name) for name in functions()}
