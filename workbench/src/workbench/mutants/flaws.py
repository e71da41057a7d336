"""All single flaws that the operators can make, and the choice of those that are tried."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.application.interface import application
from workbench.deployment import outline
from workbench.mutants import places
from workbench.mutants.changes import Change, Operator
from workbench.mutants.operators import (
    names,
    on_code,
    on_definition,
    on_limits,
    on_policies,
    on_template,
    on_terraform,
)
from workbench.stages.stage import ROOT

OF_EACH_OPERATOR = 2
TEMPLATE = "template.yaml"


@dataclass(frozen=True)
class DataFlaws:
    """Flaws of an application's own data: of the TOML files in a folder.

    `kind` is what such a file is called.
    """

    kind: str
    folder: str
    operators: Mapping[str, Operator]


@dataclass(frozen=True)
class Flaw:
    """A single flaw: the kind of thing it is in, its operator, its file, and the change."""

    kind: str
    operator: str
    file: str
    change: Change
    number: int  # among those of the operator at the same place with the same meaning

    @property
    def name(self) -> str:
        """What the flaw is called, whatever else changes in the file."""
        return f"{self.file}: {self.change.place}: {self.change.what}"

    @property
    def mark(self) -> str:
        """A short name that stays the same, whatever else changes in the file."""
        said = f"{self.kind} {self.operator} {self.name} {self.number}"
        return hashlib.sha256(said.encode()).hexdigest()[:8]


def every() -> Iterator[Flaw]:
    """Every flaw that the operators can make of the repository's files."""
    template = places.of_yaml(_text(TEMPLATE))
    for path in outline.definitions().values():
        file = str(path.relative_to(ROOT))
        definition = places.of_yaml(_text(file))
        for name, operator in on_definition.OPERATORS.items():
            yield from _numbered("definition", name, file, operator(definition))
    for kind, operators in (
        ("template", on_template.OPERATORS),
        ("template", on_limits.OPERATORS),
        ("pattern", on_template.PATTERNS),
        ("policy", on_policies.OPERATORS),
    ):
        for name, operator in operators.items():
            yield from _numbered(kind, name, TEMPLATE, operator(template))
    platform = {file: _text(file) for file in _files("terraform", "*.tf")}
    operators = on_terraform.operators(platform.values())
    for file, text in platform.items():
        found = places.of_terraform(text)
        for name, operator in operators.items():
            yield from _numbered("terraform", name, file, operator(found))
    for data in application().data_flaws():
        for file in _files(data.folder, "*.toml"):
            found = places.of_toml(_text(file))
            for name, operator in data.operators.items():
                yield from _numbered(data.kind, name, file, operator(found))
    folders = names.folders(_text(TEMPLATE))
    for file in _files("src", "**/*.py"):
        code = on_code.Code(_text(file), folders)
        for name, change in on_code.OPERATORS.items():
            yield from _numbered("code", name, file, change(code))


def chosen() -> list[Flaw]:
    """Of each operator the same few, drawn by their marks: nobody picks them by hand."""
    of: dict[tuple[str, str], list[Flaw]] = defaultdict(list)
    for flaw in every():
        of[flaw.kind, flaw.operator].append(flaw)
    return [
        flaw
        for flaws in of.values()
        for flaw in sorted(flaws, key=lambda flaw: flaw.mark)[:OF_EACH_OPERATOR]
    ]


def _numbered(kind: str, name: str, file: str, changes: Iterator[Change]) -> Iterator[Flaw]:
    text, seen = _text(file), Counter[tuple[str, str]]()
    for change in changes:
        gone = text[change.start : change.end]
        if change.new == gone or places.ANCHOR.search(gone):  # what is repeated elsewhere must stay
            continue
        key = change.place, change.what
        yield Flaw(kind, name, file, change, seen[key])
        seen[key] += 1


def _text(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


def _files(folder: str, pattern: str) -> list[str]:
    found: list[Path] = sorted((ROOT / folder).glob(pattern))
    return [str(path.relative_to(ROOT)) for path in found]
