"""`[tool.workbench]` of pyproject.toml: what is wrong with it is one line with file and key."""

from pathlib import Path

import pytest

from workbench.application import interface
from workbench.application.settings import InvalidSettingsError, Settings, read
from workbench.stages.errors import UserError

PROJECT = '[project]\nname = "claims"\n'


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "pyproject.toml"
    path.write_text(text)
    return path


def test_a_project_needs_no_settings(tmp_path: Path) -> None:
    assert read(written(tmp_path, PROJECT)) == ("claims", Settings())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "pyproject.toml: \\[project\\] has no name"),
        ("[project]\nname = 'a-name-too-long'", "must be 2 to 14 of a-z"),
        ("[project", "pyproject.toml cannot be read"),
        (f"{PROJECT}[tool.workbench]\naplication = 'a:B'", "unknown key aplication; its keys are"),
        (
            f"{PROJECT}[tool.workbench]\napplication = 1",
            r"application is not a text",
        ),
        (f"{PROJECT}[tool.workbench]\napplication = 'a.b'", '"a.b" is not module:NAME; write'),
    ],
)
def test_wrong_settings_are_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidSettingsError, match=said) as caught:
        read(written(tmp_path, text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("no_such_module:A", "the module cannot be imported: No module named"),
        ("json:A", "json has no A"),
        ("json:dumps", "it is not a workbench.application.interface.Application"),
    ],
)
def test_an_application_that_cannot_be_had_is_one_line(
    named: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interface, "SETTINGS", Settings(named))
    interface.application.cache_clear()
    try:
        with pytest.raises(UserError, match=said) as caught:
            interface.application()
    finally:
        interface.application.cache_clear()
    assert str(caught.value).startswith("pyproject.toml: [tool.workbench] application = ")


def test_an_application_that_is_not_valid_python_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mistyped_application.py").write_text("class Mine(\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(interface, "SETTINGS", Settings("mistyped_application:MINE"))
    interface.application.cache_clear()
    try:
        with pytest.raises(
            UserError, match=r"cannot be imported: .*mistyped_application.py, line 1"
        ):
            interface.application()
    finally:
        interface.application.cache_clear()
