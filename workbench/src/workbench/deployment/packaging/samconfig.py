"""samconfig.toml: what every stage has, under `default`, and what a stage has of its own.

SAM itself reads one of the two only. Here a stage's tables are laid over those of `default`.
"""

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT, Stage

# What a deployment says by itself, from the stage's name.
_OURS = {
    "template_file": "it is what `make build` made",
    "stack_name": "it is made from the stage's name",
    "s3_prefix": "it is the stack's name",
    "region": "say AWS_REGION",
    "profile": "say AWS_PROFILE",
}
# What `sam sync` does as `sam deploy` does.
_OF_SYNC = {
    "capabilities", "kms_key_id", "metadata", "notification_arns", "parameter_overrides",
    "role_arn", "s3_bucket", "tags",
}  # fmt: skip
_BOTH_NAMED = re.compile(r"ParameterKey=(\w+),ParameterValue=(.*)", re.DOTALL)


def commands(stage: Stage) -> dict[str, dict[str, Any]]:
    """The settings of each of SAM's commands for `stage`. UserError when they do not read."""
    path = ROOT / "samconfig.toml"
    try:
        config = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"samconfig.toml cannot be read: {error}") from None
    found: dict[str, dict[str, Any]] = {}
    for environment in ("default", stage.name):
        for command, table in config.get(environment, {}).items():
            mine = dict(table.get("parameters", {}))
            for name, why in _OURS.items():
                if name in mine:
                    raise UserError(
                        f"samconfig.toml, [{environment}.{command}.parameters], says {name}; a "
                        f"deployment says that by itself ({why}), so leave it out there"
                    )
            for name in ("parameter_overrides", "tags"):
                if name in mine:
                    place = f"[{environment}.{command}.parameters], {name}"
                    earlier = found.get(command, {}).get(name, {})
                    mine[name] = earlier | pairs(mine[name], place)
            found[command] = found.get(command, {}) | mine
    return found


def pairs(value: Any, where: str) -> dict[str, str]:
    """Names and values from any of SAM's forms: a text, a list of texts, a table.

    UserError, naming `where` it stands, for anything else.
    """
    if isinstance(value, dict):
        return {str(name): str(each) for name, each in value.items()}
    found: dict[str, str] = {}
    for word in _words(value, where):
        both = _BOTH_NAMED.fullmatch(word)
        name, equals, text = (both[1], "=", both[2]) if both else word.partition("=")
        if not (name and equals):
            raise UserError(f"samconfig.toml, {where}: {word!r} is not NAME=value")
        found[name] = text
    return found


def _words(value: Any, where: str) -> list[str]:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return value
    if isinstance(value, str):
        try:
            return shlex.split(value)
        except ValueError as error:
            raise UserError(f"samconfig.toml, {where}: {error}") from None
    raise UserError(f"samconfig.toml, {where}, is not a text, a list of texts or a table")


def write(stage: Stage, parameters: dict[str, str], tags: dict[str, str], folder: Path) -> Path:
    """Write the stage's settings for SAM below `folder`, with all parameters and tags."""
    settings = commands(stage)
    for command in ("build", "deploy"):
        settings.setdefault(command, {})["parameter_overrides"] = parameters
    own = settings["deploy"].get("tags", {}) | tags
    settings["deploy"]["tags"] = [f'{name}="{value}"' for name, value in own.items()]
    alike = {name: value for name, value in settings["deploy"].items() if name in _OF_SYNC}
    settings["sync"] = alike | settings.get("sync", {})
    path = folder / "samconfig.yaml"
    tables = {command: {"parameters": table} for command, table in settings.items()}
    # What is JSON is YAML, too.
    path.write_text(json.dumps({"version": 0.1, stage.name: tables}), encoding="utf-8")
    return path
