"""Flaws of the functions' code, made in its syntax tree and written at the nodes' places."""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from workbench.mutants.changes import Change, misspelt

WORDS: dict[type[ast.AST], str] = {
    **{ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="},
    **{ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in"},
    **{ast.Mult: "*", ast.Div: "/", ast.Add: "+", ast.Sub: "-", ast.FloorDiv: "//"},
}
BOUNDS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
EQUALS = {"==": "!=", "!=": "==", "is": "is not", "is not": "is", "in": "not in", "not in": "in"}
SUMS = {"*": "/", "/": "*", "+": "-", "-": "+", "//": "*"}


class Code:
    """A module: its text, its tree, and for each node the function that it stands in.

    `folders` are those of the buckets that it may work with.
    """

    def __init__(self, text: str, folders: Sequence[str]) -> None:
        self.text = text
        self.folder = re.compile(rf"\b({'|'.join(folders)})/") if folders else None
        self.lines = [0]
        for line in text.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))
        self.nodes = list(self._walk(ast.parse(text), "module"))

    def _walk(self, node: ast.AST, inside: str) -> Iterator[tuple[ast.AST, str]]:
        for child in ast.iter_child_nodes(node):
            place = inside
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                place = f"{inside}.{child.name}".removeprefix("module.")
            elif inside == "module" and isinstance(child, ast.Assign | ast.AnnAssign):
                place = ast.unparse(child).partition(" ")[0].rstrip(":")
            yield child, place
            yield from self._walk(child, place)

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Where a node begins and ends, in characters."""
        return self._at(node.lineno, node.col_offset), self._at(
            node.end_lineno or 0, node.end_col_offset or 0
        )

    def source(self, node: ast.expr | ast.stmt) -> str:
        """A node's text."""
        start, end = self.span(node)
        return self.text[start:end]

    def _at(self, line: int, column: int) -> int:
        """`ast` counts a column in bytes."""
        start, end = self.lines[line - 1], self.lines[line]
        return start + len(self.text[start:end].encode()[:column].decode())

    def change(self, place: str, node: ast.expr | ast.stmt, new: str, what: str = "") -> Change:
        """The node's text becomes another."""
        start, end = self.span(node)
        line = " ".join(self.text[start:end].split())
        return Change(place, start, end, new, what or f"{line} → {new}")

    def between(
        self, place: str, left: ast.expr, right: ast.expr, old: str, new: str
    ) -> Iterator[Change]:
        """The operator between two operands becomes another; none where it cannot be found."""
        start, end = self.span(left)[1], self.span(right)[0]
        at = self.text.find(old, start, end)
        if at >= 0:
            whole = " ".join(self.text[self.span(left)[0] : self.span(right)[1]].split())
            yield Change(place, at, at + len(old), new, f"{old} → {new} in {whole}")


type CodeOperator = Callable[[Code], Iterator[Change]]


def off_by_one(code: Code) -> Iterator[Change]:
    """A bound that is one off."""
    yield from _compared(code, BOUNDS)


def comparison_turned_round(code: Code) -> Iterator[Change]:
    """Equal for unequal, in for not in."""
    yield from _compared(code, EQUALS)


def computed_the_wrong_way(code: Code) -> Iterator[Change]:
    """Multiplied instead of divided, added instead of subtracted."""
    for node, place in code.nodes:
        if isinstance(node, ast.BinOp) and (old := WORDS.get(type(node.op))):
            yield from code.between(place, node.left, node.right, old, SUMS[old])


def condition_negated(code: Code) -> Iterator[Change]:
    """The other branch is taken."""
    for node, place in code.nodes:
        if isinstance(node, ast.If | ast.IfExp):
            yield code.change(place, node.test, f"not ({code.source(node.test)})")


def and_for_or(code: Code) -> Iterator[Change]:
    """One of two conditions is enough, or both are needed."""
    for node, place in code.nodes:
        if isinstance(node, ast.BoolOp):
            old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
            yield from code.between(place, node.values[0], node.values[1], old, new)


def error_swallowed(code: Code) -> Iterator[Change]:
    """What should end the call is passed over."""
    for node, place in code.nodes:
        if isinstance(node, ast.Raise):
            yield code.change(place, node, "pass")


def error_of_another_kind(code: Code) -> Iterator[Change]:
    """A fault that passes for one that does not, or the other way round."""
    for node, place in code.nodes:
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield code.change(place, node.exc.func, "RuntimeError")


def call_left_out(code: Code) -> Iterator[Change]:
    """Something is not done."""
    for node, place in code.nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            called = code.source(node.value.func)
            if not called.startswith(("logger.", "logs.", "metrics.")):
                yield code.change(place, node, "pass")


def number_one_more(code: Code) -> Iterator[Change]:
    """A constant that is one more."""
    for node, place in code.nodes:
        if isinstance(node, ast.Constant) and type(node.value) is int:
            yield code.change(place, node, str(node.value + 1))


def misspelt_word(code: Code) -> Iterator[Change]:
    """A key of a record, or of an answer, of another name."""
    for node, place in code.nodes:
        if isinstance(node, ast.Dict):
            for key in node.keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield code.change(place, key, f'"{misspelt(key.value)}"')


def another_prefix(code: Code) -> Iterator[Change]:
    """Written to, or read from, another folder."""
    for node, place in code.nodes:
        if code.folder and isinstance(node, ast.JoinedStr):
            source = code.source(node)
            if code.folder.search(source):
                yield code.change(place, node, code.folder.sub("elsewhere/", source, count=1))


def answer_lost(code: Code) -> Iterator[Change]:
    """A function that answers nothing."""
    for node, place in code.nodes:
        if isinstance(node, ast.Return) and node.value is not None:
            yield code.change(place, node, "return None")


def _compared(code: Code, changes: dict[str, str]) -> Iterator[Change]:
    for node, place in code.nodes:
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for (left, right), sign in zip(pairwise(sides), node.ops, strict=True):
                old = WORDS[type(sign)]
                if old in changes:
                    yield from code.between(place, left, right, old, changes[old])


OPERATORS: dict[str, CodeOperator] = {
    "off by one": off_by_one,
    "a comparison turned round": comparison_turned_round,
    "computed the wrong way": computed_the_wrong_way,
    "a condition negated": condition_negated,
    "and for or": and_for_or,
    "an error swallowed": error_swallowed,
    "an error of another kind": error_of_another_kind,
    "a call left out": call_left_out,
    "a number one more": number_one_more,
    "a misspelt key": misspelt_word,
    "another folder": another_prefix,
    "a lost answer": answer_lost,
}
