"""The page as one file: its text, style, script, drawings and data, and nothing from elsewhere."""

import base64
import hashlib
import json
import tempfile
from collections.abc import Mapping
from html import escape
from pathlib import Path

from workbench.page.content import Json
from workbench.page.drawing import graph, layout, svg
from workbench.page.drawing.graph import Definition
from workbench.stages.errors import UserError
from workbench.stages.stage import local_dir

FOLDER = Path(__file__).parent
FILE = "report.html"
# In a script's data these would end it, or be a line's end to old browsers.
_UNSAFE = {ord(one): f"\\u{ord(one):04x}" for one in "<>&\u2028\u2029"}


def document(data: Json, definitions: Mapping[str, Definition], connect: str = "'none'") -> str:
    """Return the page; `connect` is what its script may ask, nothing by default."""
    style, script = _part("page.css"), _part("page.js")
    whole = _part("page.html")
    parts = {
        "policy": _policy(style, script, connect),
        "title": escape(f"{data['project']} · {data['stage']}"),
        "style": style,
        "script": script,
        "drawings": "".join(drawing(name, one) for name, one in definitions.items()),
        "data": json_text(data | {"definitions": _states(definitions)}),
    }
    for name, text in parts.items():
        before, mark, after = whole.partition(f"<!--{name}-->")
        if not mark:
            raise UserError(f"page.html has no place for {name}")
        whole = before + text + after
    return whole


def written(page: str) -> Path:
    """Write the page below .local/ and return where it is; a reader sees the old or the new one."""
    path = local_dir() / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(page)
    return Path(file.name).rename(path).resolve()


def drawing(name: str, definition: Definition) -> str:
    """Return a state machine's drawing, which the page copies for each of its executions."""
    found = graph.of(definition)
    picture = svg.drawn(found, layout.laid_out(found), name)
    return f'<template class="drawing" data-machine="{escape(name)}">{picture}</template>'


def json_text(data: Json) -> str:
    """Return data as JSON that can stand in a page."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_UNSAFE)


def _states(definitions: Mapping[str, Definition]) -> Json:
    """Return the text of each state's definition, without the states inside it."""
    found: dict[str, dict[str, str]] = {}

    def add(name: str, machine: Definition) -> None:
        for state, body in machine["States"].items():
            inner = ("Branches", "ItemProcessor", "Iterator")
            own = {key: value for key, value in body.items() if key not in inner}
            found[name][state] = json.dumps(own, indent=2, ensure_ascii=False)
            for one in graph.inner_machines(body):
                add(name, one)

    for name, machine in definitions.items():
        found[name] = {}
        add(name, machine)
    return found


def _part(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8").strip()


def _policy(style: str, script: str, connect: str) -> str:
    """Return the Content-Security-Policy: this style and this script, and nothing else."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
