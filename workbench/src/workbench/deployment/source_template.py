"""The SAM template as plain data: `!Ref X` reads as `{"Ref": "X"}`, and loops are written out."""

import contextlib
import copy
import difflib
import hashlib
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from workbench.stages.errors import UserError
from workbench.stages.stage import LOCAL_REGION, ROOT, local_dir
from workbench.workflow.definition import read

TEMPLATE = ROOT / "template.yaml"
IN_TEXT = re.compile(r"\$\{([A-Za-z0-9:]+)[^}]*\}")


def load(path: Path = TEMPLATE) -> dict[str, Any]:
    """Return the template with every `Fn::ForEach` written out.

    Raises UserError when nothing can be made of it: it is missing or no YAML, has no resources, or
    one of them refers to nothing. All else is the linters' to check. What the project's own says is
    kept until it changes: reading it takes seconds.
    """
    found: dict[str, Any]
    if path != TEMPLATE:
        found = _plain(_loaded(path))
        return found
    sources = read(path), read(Path(__file__))
    mark = hashlib.sha256("".join(sources).encode()).hexdigest()[:16]
    kept = local_dir() / "template" / f"{mark}.json"
    if kept.exists():
        found = json.loads(kept.read_text(encoding="utf-8"))
        return found
    found = _plain(_loaded(path))
    _keep(found, kept)
    return found


def _keep(found: dict[str, Any], file: Path) -> None:
    """Write it at once or not at all, and take away what was kept before."""
    with contextlib.suppress(TypeError):  # a date, which JSON has not
        text = json.dumps(found)
        file.parent.mkdir(parents=True, exist_ok=True)
        for old in file.parent.glob("*.json"):
            old.unlink(missing_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=file.parent, suffix=".new", delete=False, encoding="utf-8"
        ) as new:
            new.write(text)
        Path(new.name).replace(file)


def lines(path: Path = TEMPLATE) -> dict[str, int]:
    """Return the line that each resource begins on; those of one loop begin on the same."""
    return {str(name): name.start_mark.line + 1 for name in _loaded(path)["Resources"]}


def _loaded(path: Path) -> dict[Any, Any]:
    """Return the template, each of its nodes with its place in the file."""
    # Takes seconds, and most commands do without the template.
    from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

    try:
        found = cfn_yaml.loads(read(path), path.name)
    except yaml.YAMLError as error:
        why = " ".join(str(error).split())
        raise UserError(f"{path.name} is not valid YAML: {why}") from None
    if not isinstance(found, dict) or not isinstance(found.get("Resources"), dict):
        raise UserError(f"{path.name} is not a template: it has no Resources")
    expanded = _expanded(found, path)
    problem = _not_a_template(expanded)
    if problem:
        raise UserError(f"{path.name} is not a template: {problem}")
    return expanded


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {str(name): _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case str():
            return str(value)
    return value


def _expanded(template: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the template as AWS::LanguageExtensions makes it, with no reference resolved.

    By cfn-lint's expander: SAM's own also puts values in place of references (docs/decisions.md).
    """
    from cfnlint.template import Template  # type: ignore[import-untyped]
    from cfnlint.template.transforms import (  # type: ignore[import-untyped]
        _language_extensions as extensions,
    )

    reader = Template(path.name, copy.deepcopy(template), [LOCAL_REGION])
    reader.template = template  # it has sorted what the conditions compare in its own copy
    problems, found = extensions.language_extension(reader)
    if found is None:
        first = problems[0]
        raise UserError(f"{path.name} is not a template: line {first.linenumber}: {first.message}")
    return found  # type: ignore[no-any-return]


def _not_a_template(found: dict[str, Any]) -> str | None:
    for name, body in found["Resources"].items():
        if not isinstance(body, dict) or not isinstance(body.get("Type"), str):
            return f"resource {name} has no Type"
    parameters = found.get("Parameters", {})
    if not isinstance(parameters, dict):
        return "its Parameters have no names"
    known = sorted({*found["Resources"], *parameters})
    for place, name in _references(found):
        # SAM makes resources of its own, named for ours: <Function>Role, <Function>Version…
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
