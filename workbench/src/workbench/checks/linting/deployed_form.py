"""What is really deployed, made from the sources: for linters that would see too little in them.

The template translated by AWS's own translator, and the workflow's definition with its
substitutions filled in, with names and ARNs of the form that a stage's have.
"""

import hashlib
import json
import re
import subprocess
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.deployment import outline, source_template
from workbench.deployment.resolved import Resolved
from workbench.deployment.source_template import TEMPLATE
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT, local_dir
from workbench.workflow.definition import parsed, read

TRANSLATOR = Path(__file__).with_name("translate.py")
SAM_PYTHON = ROOT / ".venv" / "sam" / "bin" / "python"
CONSTANT = re.compile(r"\{% \d+ %\}")
KEY_ID = re.compile(r":key/([a-z-]+)$")
LINE_END = re.compile(r"\s*\n\s*")


def translated(template: Path = TEMPLATE) -> dict[str, Any]:
    """The template as CloudFormation gets it; UserError when it cannot be translated."""
    done = subprocess.run(
        [str(SAM_PYTHON), str(TRANSLATOR), str(template)],
        input=json.dumps(source_template.load(template)), capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        # Its last line: the environment's packages may warn before it.
        said = done.stderr.strip().splitlines() or ["the translator said nothing"]
        raise UserError(said[-1].removeprefix("error: "))
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def kept(template: Path = TEMPLATE) -> dict[str, Any]:
    """Return what `translated` does; made anew when the template changed."""
    found: dict[str, Any] = json.loads(kept_file(template).read_text())
    return found


def kept_file(template: Path = TEMPLATE) -> Path:
    """Return the file with what `translated` returns."""
    readers = (template, TRANSLATOR, Path(source_template.__file__))
    mark = hashlib.sha256("".join(map(read, readers)).encode()).hexdigest()[:16]
    file = local_dir() / "linting" / "translated" / f"{mark}.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        for old in file.parent.glob("*.json"):
            old.unlink(missing_ok=True)
        _write(file, translated(template))
    return file


def rendered(of: dict[str, Any], machine: str, definition: Path) -> dict[str, Any]:
    """The definition with the substitutions of the translated template `of` filled in.

    Raises UserError when it is not a definition, and for a substitution that the template does not
    give.
    """
    found = filled_in(Resolved(of), machine, definition)
    # On one line each: linters that read expressions by regular expressions stop at a line's end.
    joined: dict[str, Any] = _each_text(found, _for_linters)
    return joined


def filled_in(of: Resolved, machine: str, definition: Path) -> dict[str, Any]:
    """Return the definition in a file with the values that a template gives it.

    Raises UserError as `rendered` does.
    """
    if machine not in of.raw.get("Resources", {}):
        raise UserError(f"the template has no state machine {machine}")
    given = of.raw["Resources"][machine].get("Properties", {}).get("DefinitionSubstitutions", {})
    values = {name: _as_text(of, machine, value) for name, value in given.items()}
    text = read(definition)
    unknown = sorted(set(re.findall(r"\$\{(\w+)\}", text)) - set(values))
    if unknown:
        raise UserError(f"{definition.name} needs ${{{unknown[0]}}}, which the template lacks")
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    return parsed(text, definition.name)


def with_definition(of: dict[str, Any], machine: str, definition: dict[str, Any]) -> dict[str, Any]:
    """A copy of a translated template with the definition in it, so that linters see both."""
    copy: dict[str, Any] = json.loads(json.dumps(of))
    properties = copy["Resources"][machine]["Properties"]
    properties.pop("DefinitionS3Location", None)
    # cfn-lint knows that a timeout may be an integer, not that an expression may give it.
    properties["Definition"] = _each_text(
        definition, lambda text: int(text[3:-3]) if CONSTANT.fullmatch(text) else text
    )
    return copy


def prepare(source: Path = TEMPLATE) -> tuple[Path, list[Path]]:
    """The files of both forms, (template, definitions), made anew when their sources changed."""
    folder = local_dir() / "linting"
    files = outline.definitions(source)
    readers = (TRANSLATOR, Path(__file__), Path(source_template.__file__))
    sources = (source, *files.values(), *readers)
    mark = hashlib.sha256("".join(map(read, sources)).encode()).hexdigest()[:16]
    template = folder / f"template-{mark}.json"
    forms = {name: folder / f"definition-{mark}-{name}.json" for name in files}
    if not all(path.exists() for path in (template, *forms.values())):
        folder.mkdir(parents=True, exist_ok=True)
        of = whole = kept(source)
        for name, path in forms.items():
            inside = rendered(of, name, files[name])
            _write(path, inside)
            whole = with_definition(whole, name, inside)
        _write(template, whole)
        for old in folder.glob("*.json"):
            if mark not in old.name:
                old.unlink(missing_ok=True)
    return template, list(forms.values())


def _each_text(value: Any, change: Callable[[str], Any]) -> Any:
    """A copy of `value` with each text in it, however deep, changed."""
    match value:
        case str():
            return change(value)
        case dict():
            return {name: _each_text(each, change) for name, each in value.items()}
        case list():
            return [_each_text(each, change) for each in value]
    return value


def _for_linters(text: str) -> str:
    # cfn-lint knows the form of a key's id.
    named = KEY_ID.sub(lambda of: f":key/{uuid.uuid5(uuid.NAMESPACE_OID, of[1])}", text)
    return LINE_END.sub(" ", named) if named.startswith("{%") else named


def _write(path: Path, content: dict[str, Any]) -> None:
    """At once or not at all: several checks may come here at the same time."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".new", delete=False) as file:
        json.dump(content, file, indent=2)
    Path(file.name).replace(path)


def _as_text(of: Resolved, machine: str, value: Any) -> str:
    """A value of the template as text; UserError for what no stage could put into a text."""
    where = f"{machine}'s DefinitionSubstitutions: {json.dumps(value)}"
    try:
        found = of.value(value)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    if isinstance(found, dict | list):
        raise UserError(f"{where} is not a text")
    return str(found)
