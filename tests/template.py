"""The SAM template as plain data, for tests: `!Ref X` reads as `{"Ref": "X"}`, and so on."""

import functools
from typing import Any

import yaml

from tools.stage import ROOT


class _Loader(yaml.SafeLoader):
    pass


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)


@functools.cache
def template() -> dict[str, Any]:
    """The whole template."""
    loaded: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), _Loader)  # noqa: S506
    return loaded


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
    text = (ROOT / "statemachine" / "order_intake.asl.yaml").read_text()
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded
