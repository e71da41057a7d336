"""The SAM template as it stands, as plain data: `!Ref X` reads as `{"Ref": "X"}`, and so on."""

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT
from workbench.workflow.definition import read

TEMPLATE = ROOT / "template.yaml"
IN_TEXT = re.compile(r"\$\{([A-Za-z0-9:]+)[^}]*\}")


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


def load(path: Path = TEMPLATE) -> dict[str, Any]:
    """The template. UserError when nothing can be made of it: it is missing or no YAML, has no
    resources, or one of them refers to nothing. All else is the linters' to judge.
    """
    try:
        found = _Loader(read(path)).get_single_data()
    except yaml.YAMLError as error:
        told = " ".join(str(error).split())
        raise UserError(f"{path.name} is no YAML: {told}") from None
    problem = _not_a_template(found)
    if problem:
        raise UserError(f"{path.name} is no template: {problem}")
    return found  # type: ignore[no-any-return]


def _not_a_template(found: Any) -> str | None:
    if not isinstance(found, dict) or not isinstance(found.get("Resources"), dict):
        return "it has no Resources"
    for name, body in found["Resources"].items():
        if not isinstance(body, dict) or not isinstance(body.get("Type"), str):
            return f"resource {name} has no Type"
    parameters = found.get("Parameters", {})
    if not isinstance(parameters, dict):
        return "its Parameters have no names"
    known = sorted({*found["Resources"], *parameters})
    for place, name in _references(found):
        # SAM makes resources of its own, named for ours: PriceChunkRole, PriceChunkVersion…
        if not name.startswith(("AWS::", *known)):
            close = difflib.get_close_matches(name, known, 1)
            meant = f"; is {close[0]} meant?" if close else ""
            return f"{place} refers to {name}, and there is no such resource or parameter{meant}"
    return None


def _references(template: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(where, name) of everything that a resource or an output refers to."""
    for section in ("Resources", "Outputs"):
        for place, body in (template.get(section) or {}).items():
            for name in _named(body):
                yield place, name


def _named(value: Any) -> Iterator[str]:
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from IN_TEXT.findall(text)
        case {"Fn::Sub": [str(text), dict(given)]}:
            yield from (name for name in IN_TEXT.findall(text) if name not in given)
            yield from _named(given)
        case dict():
            for each in value.values():
                yield from _named(each)
        case list():
            for each in value:
                yield from _named(each)
