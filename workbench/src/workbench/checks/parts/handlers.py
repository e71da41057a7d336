"""Handlers: each function of the template has one, and its module defines it."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from workbench.checks.checking.finding import Finding, near
from workbench.checks.parts import python
from workbench.deployment import outline
from workbench.stages.stage import ROOT

FUNCTIONS = ("AWS::Serverless::Function", "AWS::Lambda::Function")


def reads() -> list[str]:
    """Return what is read: the template, and all code that is deployed with it."""
    return [outline.TEMPLATE.name, *python.reads()]


def find() -> Iterator[Finding]:
    """Return the handlers that no module defines."""
    whole = outline.fields(outline.whole())
    usual = Counter(
        outline.text(node).rpartition(".")[2] for key, node in outline.every() if key == "Handler"
    )
    shared = outline.fields(outline.fields(whole.get("Globals")).get("Function"))
    for name, body in outline.fields(whole.get("Resources")).items():
        said = outline.fields(body)
        if outline.text(said.get("Type")) not in FUNCTIONS:
            continue
        given = {**shared, **outline.fields(said.get("Properties"))}
        handler, code = given.get("Handler"), outline.text(given.get("CodeUri"))
        folder = outline.TEMPLATE.parent / code
        if code and folder.is_dir():
            line = (handler or body).start_mark.line + 1
            if problem := _problem(outline.text(handler), folder, usual):
                file, place, what = problem
                yield Finding(file or outline.TEMPLATE.name, place or line, f"{name}: {what}")


def _problem(handler: str, folder: Path, usual: Counter[str]) -> tuple[str, int, str] | None:
    """Return (file, line, what is wrong) with a handler; no file where the template is wrong.

    A function that most handlers are called is missing in its module.
    """
    module, _, attribute = handler.rpartition(".")
    if not module:
        return "", 0, f"Handler {handler!r} is not module.function; write handlers.x.handler"
    path = folder / (module.replace(".", "/") + ".py")
    if not path.is_file():
        others = [
            ".".join(one.relative_to(folder).with_suffix("").parts) for one in folder.rglob("*.py")
        ]
        return "", 0, f"Handler {handler}: there is no {_shown(path)}{near(module, others)}"
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):
        return None
    names = {
        name: node.lineno
        for node in tree.body
        for name in (
            [node.name]
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
            else [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]
            if isinstance(node, ast.Assign | ast.AnnAssign)
            else [one.asname or one.name for one in node.names]
            if isinstance(node, ast.Import | ast.ImportFrom)
            else []
        )
    }
    if attribute in names:
        return None
    meant = near(attribute, names)
    if usual[attribute] > 1:
        line = next((at for name, at in names.items() if meant.endswith(f" {name}?")), 1)
        what = f"its Handler in {outline.TEMPLATE.name} is {attribute}, which is not here"
        return _shown(path), line, what + (meant or f"; write def {attribute}(event, context)")
    return "", 0, f"Handler {handler}: {_shown(path)} has no {attribute}{meant}"


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
