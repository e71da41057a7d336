"""The settings of `pyproject.toml`: the project's name, and the table `[tool.workbench]`."""

import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[4]
FILE = ROOT / "pyproject.toml"
TABLE = "[tool.workbench]"
LONGEST_NAME = 14
_NAME = re.compile(rf"[a-z][a-z0-9-]{{0,{LONGEST_NAME - 2}}}[a-z0-9]")


class InvalidSettingsError(Exception):
    """The settings cannot be used. The message says where they are wrong, and what to write."""


@dataclass(frozen=True)
class Settings:
    """The keys of `[tool.workbench]`, all of them texts; each has a default."""

    application: str = ""
    """The object that describes the application, as `module:NAME`; none: all defaults."""


def read(file: Path = FILE) -> tuple[str, Settings]:
    """Return the project's name and its settings.

    Raises InvalidSettingsError when the file is missing or is not valid, and for an unknown key.
    """
    try:
        whole = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidSettingsError(f"{file.name} cannot be read: {error}") from None
    name = _table(whole, "project").get("name")
    if not isinstance(name, str) or not name:
        raise InvalidSettingsError(
            f'{file.name}: [project] has no name; write: name = "my-service"'
        )
    if not _NAME.fullmatch(name):
        raise InvalidSettingsError(
            f"{file.name}: [project] name = {name!r} must be 2 to {LONGEST_NAME} of a-z, 0-9 "
            "and -, starting with a letter: AWS's names begin with it"
        )
    return name, _settings(_table(_table(whole, "tool"), "workbench"), file)


def _table(parent: dict[str, Any], key: str) -> dict[str, Any]:
    found = parent.get(key, {})
    return found if isinstance(found, dict) else {}


def _settings(table: dict[str, Any], file: Path) -> Settings:
    known = [field.name for field in fields(Settings)]
    for key, value in table.items():
        if key not in known:
            raise InvalidSettingsError(
                f"{file.name}: {TABLE} has an unknown key {key}; its keys are: {', '.join(known)}"
            )
        if not isinstance(value, str):
            raise InvalidSettingsError(
                f'{file.name}: {TABLE} {key} is not a text; write: {key} = "…"'
            )
    found = Settings(**table)
    module, _, name = found.application.partition(":")
    if found.application and not (module and name.isidentifier()):
        raise InvalidSettingsError(
            f'{file.name}: {TABLE} application = "{found.application}" is not module:NAME; '
            'write, for example: application = "operations.application:APPLICATION"'
        )
    return found


def read_or_exit() -> tuple[str, Settings]:
    """Return what `read` returns; end the program with its message where it cannot."""
    try:
        return read()
    except InvalidSettingsError as error:
        raise SystemExit(f"error: {error}") from None


PROJECT, SETTINGS = read_or_exit()
"""The project's name, with which every name of a resource begins; and its settings."""
