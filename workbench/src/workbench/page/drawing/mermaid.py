"""A graph as Mermaid text, which GitHub and many editors draw in Markdown."""

import re

from workbench.page.drawing.graph import CATCH, CHOICE, DEFAULT, ENTERS, Edge, Graph, Node

_PLAIN = re.compile(r"[A-Za-z]\w*")
# What Mermaid's flowcharts read as something else.
_RESERVED = frozenset({"end", "default", "graph", "subgraph", "style", "class", "click", "call"})
_SHAPES = {
    "Choice": ('{"', '"}'),
    "Wait": ('{{"', '"}}'),
    "Pass": ('("', '")'),
    "Succeed": ('(["', '"])'),
    "Fail": ('(["', '"])'),
}
_LITERAL = re.compile(r"'([^']*)'")
MOST_LETTERS = 24


def text(graph: Graph) -> str:
    """Return the graph as a Mermaid flowchart, error edges dashed; the same for the same graph."""
    ids = {
        node.name: node.name if _is_plain(node.name) else f"s{number}"
        for number, node in enumerate(graph.nodes)
    }
    lines = ["flowchart TD", *_states(graph, ids, None, "  ")]
    lines += [f"  {_edge(edge, ids)}" for edge in graph.edges if edge.kind != ENTERS]
    lines += ["  classDef fail stroke:#c33", "  classDef succeed stroke:#2a2"]
    for kind in ("Fail", "Succeed"):
        if named := [ids[node.name] for node in graph.nodes if node.type == kind]:
            lines.append(f"  class {','.join(named)} {kind.lower()}")
    return "\n".join(lines)


def _is_plain(name: str) -> bool:
    return bool(_PLAIN.fullmatch(name)) and name.lower() not in _RESERVED


def _states(graph: Graph, ids: dict[str, str], owner: str | None, indent: str) -> list[str]:
    found = []
    for node in graph.within(owner):
        if node.name in graph.owners():
            found.append(f'{indent}subgraph {ids[node.name]}["{_safe(_title(node))}"]')
            found += _states(graph, ids, node.name, indent + "  ")
            found.append(f"{indent}end")
        else:
            opened, closed = _SHAPES.get(node.type, ('["', '"]'))
            found.append(f"{indent}{ids[node.name]}{opened}{_safe(node.name)}{closed}")
    return found


def _title(node: Node) -> str:
    return f"{node.name} ({node.work})"


def _edge(edge: Edge, ids: dict[str, str]) -> str:
    arrow = "-.->" if edge.kind == CATCH else "-->"
    label = label_of(edge)
    return f"{ids[edge.source]} {arrow}{f'|"{_safe(label)}"|' if label else ''} {ids[edge.target]}"


def label_of(edge: Edge) -> str:
    """Return the few words that an edge can carry: what a rule compares with, `else`, one error."""
    if edge.kind == DEFAULT:
        return "else"
    if edge.kind == CHOICE:
        literals = [one for one in _LITERAL.findall(edge.says) if "${" not in one]
        return ", ".join(literals) if len(", ".join(literals)) <= MOST_LETTERS else ""
    if edge.kind == CATCH and edge.says != "States.ALL" and len(edge.says) <= MOST_LETTERS:
        return edge.says
    return ""


def _safe(words: str) -> str:
    return words.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
