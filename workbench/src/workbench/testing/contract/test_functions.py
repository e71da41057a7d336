"""Every function has what belongs to it, and its name in each language's own case."""

import importlib
import re
import sys
from typing import Any

import pytest

from workbench.deployment import outline
from workbench.stages.stage import ROOT
from workbench.testing.contract.deployed import FUNCTION, called_by_events, of_type, template

FUNCTIONS = of_type(FUNCTION)
LOGS = of_type("AWS::Logs::LogGroup")
EACH = pytest.mark.parametrize("name", sorted(FUNCTIONS))


def snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def logs_of(name: str) -> dict[str, Any]:
    """The properties of a function's log group."""
    wanted = FUNCTIONS[name].get("LoggingConfig", {}).get("LogGroup")
    found = [group for group in LOGS.values() if group["LogGroupName"] == wanted]
    assert found, (
        f"template.yaml: {name} logs into a group that Lambda makes, which is kept for ever; add "
        "an AWS::Logs::LogGroup and name it in the function's LoggingConfig"
    )
    return found[0]


@EACH
def test_the_handler_is_in_a_module_of_the_functions_name(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, _, attribute = FUNCTIONS[name]["Handler"].rpartition(".")
    said = f"template.yaml: {name} has the Handler {module}.{attribute}"
    wanted = snake_case(name)
    assert module.rpartition(".")[2] == wanted, f"{said}; name its module {wanted}"
    for path in outline.sources():
        monkeypatch.syspath_prepend(path)
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ModuleNotFoundError as error:
        pytest.fail(f"{said}; it cannot be imported: {error}")
    assert callable(found), f"{said}, which {sys.modules[module].__file__} does not define"


@EACH
def test_it_names_its_memory_and_its_time(name: str) -> None:
    memory, seconds = FUNCTIONS[name].get("MemorySize", 0), FUNCTIONS[name].get("Timeout", 0)
    assert memory >= 256, f"template.yaml: {name} would have Lambda's 128 MB: name its MemorySize"
    assert seconds > 3, f"template.yaml: {name} would be ended after 3 s: name its Timeout"


@EACH
def test_its_logs_go_after_a_time_and_are_encrypted(name: str) -> None:
    logs = logs_of(name)
    where = f"template.yaml: the log group {logs['LogGroupName']}"
    assert logs.get("RetentionInDays"), f"{where} is kept for ever: give it RetentionInDays"
    assert logs.get("KmsKeyId"), f"{where} is not encrypted with a key of ours: give it KmsKeyId"


@EACH
def test_it_has_a_role_of_its_own(name: str) -> None:
    others = [one for one, other in FUNCTIONS.items() if other["Role"] == FUNCTIONS[name]["Role"]]
    assert others == [name], f"template.yaml: {', '.join(others)} share a role: give each its own"


@pytest.mark.parametrize("name", called_by_events())
def test_its_failed_calls_are_kept(name: str) -> None:
    configured = [
        one
        for one in of_type("AWS::Lambda::EventInvokeConfig").values()
        if one["FunctionName"] in (name, template().arn(name), FUNCTIONS[name].get("FunctionName"))
    ]
    kept = any(one.get("DestinationConfig", {}).get("OnFailure") for one in configured)
    kept = kept or "DeadLetterConfig" in FUNCTIONS[name]
    assert kept, (
        f"template.yaml: what {name} fails to do for an event is lost after its retries; give it "
        "EventInvokeConfig with a DestinationConfig: OnFailure"
    )


def test_no_module_of_handlers_is_without_a_function() -> None:
    modules = {function["Handler"].rpartition(".")[0] for function in FUNCTIONS.values()}
    folders = {module.rpartition(".")[0] for module in modules}
    for package in folders:
        # A package with nothing but handlers has a name that says so.
        folder = ROOT / "src" / package.replace(".", "/")
        for path in folder.glob("[!_]*.py") if folder.name == "handlers" else ():
            named = f"{package}.{path.stem}" in modules
            assert named, f"{path.relative_to(ROOT)}: no function of template.yaml has this handler"
