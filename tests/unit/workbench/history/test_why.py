"""Why a function could not start, from its log; as Lambda writes it, and as a module raises it."""

from types import SimpleNamespace
from typing import Any

import pytest

from workbench.history import why
from workbench.stages.stage import Stage

MISSING = "[ERROR] Runtime.ImportModuleError: Unable to import module 'a': No module named 'b'"
OWN = (
    "[ERROR] NameError: name 'x' is not defined\nTraceback (most recent call last):\n"
    '  File "/var/lang/lib/python3.13/importlib/__init__.py", line 88, in import_module'
)
OF_A_CALL = (
    '[ERROR] KeyError: x\nTraceback (most recent call last):\n  File "a", line 1, in handler'
)


def test_errors_of_a_functions_start_are_told_from_those_of_its_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logged = [MISSING, MISSING, OWN, OF_A_CALL]
    monkeypatch.setattr(why, "lines_about", lambda *_: iter(logged))
    deployed: Any = SimpleNamespace()

    assert why.start_errors(deployed, ["Weigh"], 0) == [
        "function Weigh does not start: Runtime.ImportModuleError: Unable to import module 'a': "
        "No module named 'b'",
        "function Weigh does not start: NameError: name 'x' is not defined",
    ]


def test_a_command_names_its_stage_where_it_is_not_the_laptops() -> None:
    assert why.command(Stage("local"), "logs", FN="A") == "make logs FN=A"
    assert why.command(Stage("dev"), "history", FILE_ID="f") == "make history STAGE=dev FILE_ID=f"
