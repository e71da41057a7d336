"""The SAM template and the workflow's definition as plain data, for tests."""

import functools
from typing import Any

from workbench.deployment import outline, source_template
from workbench.workflow.definition import load


@functools.cache
def template() -> dict[str, Any]:
    """The whole template; `!Ref X` reads as `{"Ref": "X"}`, and so on."""
    return source_template.load()


def resources(kind: str | None = None) -> dict[str, Any]:
    """Its resources by logical id; of one type only when `kind` names it."""
    found = template()["Resources"].items()
    return {name: body for name, body in found if kind in (None, body["Type"])}


def functions() -> dict[str, Any]:
    """Its Lambda functions by logical id."""
    return resources("AWS::Serverless::Function")


@functools.cache
def definition() -> dict[str, Any]:
    """The workflow's definition, substitutions not filled in."""
    return load(outline.definitions()["OrderIntake"])
