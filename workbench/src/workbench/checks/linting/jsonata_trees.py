"""Parses JSONata expressions, by the parser that the local cloud evaluates them with.

Runs in the local cloud's environment, which has it. Reads a JSON list of expressions from standard
input; writes, for each, its syntax tree or why it has none, and the names of the functions that
JSONata itself has.
"""

import json
import sys
from typing import Any

import jsonata  # type: ignore[import-not-found]

# What a node of the tree may have that says something about names.
PARTS = (
    "type", "value", "steps", "stages", "predicate", "expr", "expression", "expressions", "terms",
    "arguments", "procedure", "body", "lhs", "rhs", "lhs_object", "condition", "then", "_else",
    "pattern", "update", "delete", "group", "focus", "index",
)  # fmt: skip


def plain(node: Any) -> Any:
    """A node of the parser's tree, and all below it, as plain data."""
    if isinstance(node, list | tuple):
        return [plain(each) for each in node]
    if node is None or isinstance(node, str | int | float | bool):
        return node
    parts = {name: getattr(node, name, None) for name in PARTS}
    return {name: plain(part) for name, part in parts.items() if part is not None}


def parsed(expression: str) -> dict[str, Any]:
    """`tree` or `error` of an expression."""
    try:
        return {"tree": plain(jsonata.Jsonata(expression).ast)}
    except Exception as error:  # noqa: BLE001, RUF100 - the parser raises several kinds
        return {"error": " ".join(str(error).split())}


def main() -> None:
    """Answer what standard input asks."""
    answers = [parsed(each) for each in json.load(sys.stdin)]
    functions = sorted(jsonata.Jsonata.static_frame.bindings)
    json.dump({"answers": answers, "functions": functions}, sys.stdout)


if __name__ == "__main__":
    main()
