"""Which events each function announces, read from its code: what its role must allow, no more.

A function announces with `bus.announce(bus, detail_type, details)`, with a type that is written
there, or with that of an outcome (`….detail_type`), which may be any outcome.
"""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.application.interface import application
from workbench.deployment import outline
from workbench.stages.errors import UserError
from workbench.stages.stage import PROJECT, ROOT

SCHEMAS = ROOT / "events" / "schemas"
SOURCE = PROJECT


def outcomes() -> list[str]:
    """The types of events that the `detail_type` of an announcement may be."""
    return sorted(application().announced_types)


def of_handler(handler: str) -> list[str]:
    """The types of events that a handler's module and the modules that it imports announce.

    Raises UserError for a call whose type cannot be read from the code.
    """
    start = handler.rpartition(".")[0]
    found: set[str] = set()
    for name in _reached(start, frozenset()):
        for call in _calls(name):
            found |= set(_types(name, call.args[1] if len(call.args) > 1 else None))
    return sorted(found)


def of_state(name: str, entry: dict[str, Any]) -> list[str]:
    """The types of events that an entry of a state's `putEvents` can have; UserError if unknown."""
    detail_type = str(entry.get("DetailType", ""))
    if not detail_type.startswith("{%"):
        return [detail_type]
    if ".detail_type" in detail_type:
        return outcomes()
    raise UserError(
        f"{name}: which events {detail_type} announces cannot be said; name the type, or give it "
        "the field detail_type of an announcement"
    )


def _types(module: str, argument: ast.expr | None) -> list[str]:
    match argument:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.Attribute(attr="detail_type"):
            return outcomes()
    raise UserError(
        f"{module} announces a type of event that cannot be read from its code; write "
        "it there, or use the detail_type of an announcement"
    )


def _reached(name: str, seen: frozenset[str]) -> frozenset[str]:
    """A module and all modules of the package that it imports, and that they import."""
    if name in seen:
        return seen
    seen |= {name}
    for other in _imported(name):
        seen = _reached(other, seen)
    return seen


def _imported(name: str) -> Iterator[str]:
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for candidate in (node.module, *(f"{node.module}.{each.name}" for each in node.names)):
                if _path(candidate):
                    yield candidate


def _calls(name: str) -> Iterator[ast.Call]:
    for node in ast.walk(_tree(name)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="bus"), attr="announce")):
                yield node


@functools.cache
def _folders() -> list[Path]:
    return outline.sources()


@functools.cache
def _path(name: str) -> Path | None:
    """The file of a module of the functions' code; None for any other module."""
    for folder in _folders():
        path = folder.joinpath(*name.split(".")).with_suffix(".py")
        if path.is_file():
            return path
    return None


@functools.cache
def _tree(name: str) -> ast.Module:
    path = _path(name)
    if path is None:
        raise UserError(f"there is no module {name} in the functions' code")
    return ast.parse(path.read_text(encoding="utf-8"))
