"""The JSON Schemas of published events as they were released, and what an event lacks of its own.

`events/schemas/<detail-type>/<version>.json`; `make schemas` (`schemas.py`) releases them.
"""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator

from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT

FOLDER = ROOT / "events" / "schemas"


def released(detail_type: str) -> dict[tuple[int, int], Path]:
    """The released schemas of an event by version."""
    paths = (FOLDER / detail_type).glob("*.json")
    return {version(path.stem): path for path in paths}


def latest(detail_type: str) -> tuple[tuple[int, int], dict[str, Any]] | None:
    """The last released schema of an event and its version; None when there is none."""
    versions = released(detail_type)
    if not versions:
        return None
    newest = max(versions)
    name = versions[newest].relative_to(ROOT)
    try:
        schema = json.loads(versions[newest].read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{name} is not valid JSON: {error}") from None
    if not isinstance(schema, dict):
        raise UserError(f"{name} is not a schema: it must be a JSON object")
    return newest, schema


def problems(event: dict[str, Any]) -> list[str]:
    """How a published event differs from its last released schema, a line each."""
    kind = str(event.get("detail-type"))
    last = latest(kind)
    if last is None:
        return [f"{kind}: no schema was released of such an event"]
    (major, minor), schema = last
    found = Draft4Validator(schema).iter_errors(event)
    version = f"{kind} {major}.{minor}"
    return sorted(f"{version}: {error.json_path}: {error.message}" for error in found)


def version(text: str) -> tuple[int, int]:
    """The two numbers of a version; UserError for anything else."""
    major, _, minor = text.partition(".")
    if not (major.isdigit() and minor.isdigit()):
        raise UserError(f"{text!r} is not a version; it has two numbers, such as 1.0")
    return int(major), int(minor)
