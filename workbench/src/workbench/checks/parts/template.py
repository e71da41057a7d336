"""The template: YAML, references, and each resource's properties, as CloudFormation knows them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.checks.checking import places
from workbench.checks.checking.finding import Finding, near
from workbench.checks.checking.places import Places, Step
from workbench.checks.linting import deployed_form
from workbench.deployment import handover, outline, source_template
from workbench.stages.errors import UserError

ONE_OF = re.compile(r"^'([^']*)' is not one of \[(.*?)\](.*)$", re.DOTALL)
REFERS = re.compile(r"(\w+) refers to ([\w:]+), and")
MANY = 8  # of more possible values only the nearest one is named


def reads() -> list[str]:
    """Return what is read: the template."""
    return [outline.TEMPLATE.name]


def find() -> Iterator[Finding]:
    """Return what SAM and CloudFormation would refuse; one kind where another stops the reading."""
    path = outline.TEMPLATE
    if path.is_file() and (problem := places.syntax(path)):
        yield problem
        return
    outline.whole()  # says that there is none
    at = places.of(path)
    try:
        source_template.load()
    except UserError as error:
        yield _unread(at, str(error))
        return
    try:
        handover.paths()
        deployed_form.kept()
    except UserError as error:
        line = places.line_of_message(at, str(error))
        # Of what SAM refuses, cfn-lint may say more.
        found = list(_linted(at, path))
        yield from found or [Finding(at.file, line, str(error).removeprefix(f"{path.name}: "))]
        return
    yield from _linted(at, deployed_form.kept_file())


def _unread(at: Places, said: str) -> Finding:
    what = said.removeprefix(f"{at.file} is not a template: ")
    if refers := REFERS.search(said):
        resource, name = refers[1], refers[2]
        place = at.of_word(name, ("Resources", resource)) or at.of_word(name)
        return Finding(at.file, place, what)
    if line := re.search(r"line (\d+)", said):
        return Finding(at.file, int(line[1]), what.removeprefix(f"line {line[1]}: "))
    if "Resources" not in at.keys(()):
        meant = near("Resources", at.keys(()))
        section = meant.rpartition(" ")[2].rstrip("?")
        wrong = f"; did you mean Resources, where it says {section}?" if meant else ""
        return Finding(at.file, at.line((section,)) or 1, what + wrong)
    return Finding(at.file, places.line_of_message(at, what) or 1, what)


def _linted(at: Places, form: Path) -> Iterator[Finding]:
    """Return what cfn-lint finds to be an error; what it advises is `make lint`'s."""
    from cfnlint.api import lint_file  # type: ignore[import-untyped]

    for match in sorted(lint_file(form), key=lambda each: each.linenumber):
        if match.rule.id.startswith("E"):
            line = _line(at, list(getattr(match, "path", None) or ()))
            yield Finding(at.file, line or 1, f"{_plain(match.message)} ({match.rule.id})")


def _line(at: Places, path: list[Step]) -> int:
    """Return the line of a path; of a property that all functions share, in the Globals."""
    match path:
        case ["Resources", str(name), *_] if not at.has(path[:2]):  # SAM made it of another one
            made_of = [each for each in at.keys(("Resources",)) if name.startswith(each)]
            return at.line(("Resources", max(made_of, key=len, default="")))
        case ["Resources", str(), "Properties", *inside] if inside and not at.has(path):
            shared = ("Globals", "Function", *inside)
            if at.has(shared):
                return at.line(shared)
    return at.line(path)


def _plain(message: str) -> str:
    """Return what cfn-lint says, without a list of all that it would take."""
    said = ONE_OF.match(message)
    if not said:
        return " ".join(message.split())
    values = [each.strip("' ") for each in said[2].split(", ")]
    if len(values) <= MANY:
        return f"{said[1]!r} is not one of {', '.join(values)}{near(said[1], values)}"
    known: Any = near(said[1], values) or f"; there are {len(values)} others"
    return f"{said[1]!r} is not known here{known}"
