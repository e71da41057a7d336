"""Where each state of a graph stands, and where its edges run: as Graphviz's `dot` lays it out.

The package graphviz-pure brings dot as one program, so nothing of the system is needed.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from workbench.page.drawing.graph import CATCH, ENTERS, Edge, Graph, Node
from workbench.stages.errors import UserError

PROGRAM = Path(sys.prefix) / "bin" / "graphviz-pure"
HEIGHT = 46.0  # of a state's card
LETTER = 7.6  # width of a letter of a state's name, rather too wide than too narrow
SMALL_LETTER = 6.0
BESIDE_TEXT = 50.0  # the card's icon, and its margins
INCH = 72.0

_GRAPH = "rankdir=TB; compound=true; newrank=true; nodesep=0.16; ranksep=0.36; margin=0.15"
_WEIGHTS = {CATCH: 0, ENTERS: 4}


class Box(msgspec.Struct, frozen=True):
    """A rectangle; x and y are its upper left corner."""

    x: float
    y: float
    width: float
    height: float


class Line(msgspec.Struct, frozen=True):
    """Where an edge runs: the points of a chain of cubic Bézier curves, and its arrow's point."""

    edge: Edge
    points: list[tuple[float, float]]
    tip: tuple[float, float]


class Layout(msgspec.Struct, frozen=True):
    """A graph's drawing: cards by state, frames around the states inside others, lines."""

    width: float
    height: float
    cards: dict[str, Box]
    frames: dict[str, Box]
    lanes: list[Box]
    lines: list[Line]


def laid_out(graph: Graph) -> Layout:
    """Return where everything of a graph stands. Raises UserError where dot does not do it."""
    return _read(graph, _dot(_source(graph)))


def _dot(source: str) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [PROGRAM, "-Tjson0"], input=source, capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"{PROGRAM.name} cannot draw the workflow: {error}") from None
    if done.returncode:
        raise UserError(f"{PROGRAM.name} cannot draw the workflow: {done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _source(graph: Graph) -> str:
    """Return the graph in dot's language; what is named there are numbers of nodes and edges."""
    ids = {node.name: number for number, node in enumerate(graph.nodes)}
    backward, owners = graph.backward(), graph.owners()
    lines = [f"digraph {{ {_GRAPH}", 'node [shape=box fixedsize=true label=""]']
    lines += _cluster(graph, ids, None)
    for number, edge in enumerate(graph.edges):
        source, target = f"s{ids[edge.source]}", f"s{ids[edge.target]}"
        more = [f"id={number}", f"weight={_WEIGHTS.get(edge.kind, 3)}"]
        if edge.source in owners and edge.kind != ENTERS:
            source = f"e{ids[edge.source]}"
            more.append(f"ltail=cluster{ids[edge.source]}")
        if (edge.source, edge.target) in backward:
            source, target = target, source
            more = [one.replace("ltail", "lhead") for one in more] + ["dir=back"]
        lines.append(f"{source} -> {target} [{' '.join(more)}]")
    return "\n".join([*lines, "}"])


def _cluster(graph: Graph, ids: dict[str, int], owner: str | None) -> list[str]:
    """Return the states inside `owner`, each branch in a frame of its own."""
    found = []
    inside = graph.within(owner)
    for branch in sorted({node.branch for node in inside}):
        of_branch = [node for node in inside if node.branch == branch]
        lines = [line for node in of_branch for line in _node(graph, ids, node)]
        if owner is not None and inside[-1].branch:
            lines = [f"subgraph cluster{ids[owner]}_{branch} {{ margin=10", *lines, "}"]
        found += lines
        if owner is not None:
            found += [
                f"s{ids[node.name]} -> e{ids[owner]} [style=invis weight=2]"
                for node in of_branch
                if node.ends
            ]
    return found


def _node(graph: Graph, ids: dict[str, int], node: Node) -> list[str]:
    number, width = ids[node.name], width_of(node)
    card = f"s{number} [width={width / INCH:.3f} height={HEIGHT / INCH:.3f}]"
    if node.name not in graph.owners():
        return [card]
    below = f"e{number} [width=0.02 height=0.02 shape=point]"  # where its edges leave the frame
    inner = _cluster(graph, ids, node.name)
    return [f"subgraph cluster{number} {{ margin=14", card, *inner, below, "}"]


def width_of(node: Node) -> float:
    """Return how wide a state's card must be for its texts."""
    return BESIDE_TEXT + max(len(node.name) * LETTER, len(node.work) * SMALL_LETTER)


def _read(graph: Graph, drawn: dict[str, Any]) -> Layout:
    left, bottom, right, top = _numbers(drawn["bb"])
    names = {f"s{number}": node.name for number, node in enumerate(graph.nodes)}
    by_cluster = {f"cluster{number}": node.name for number, node in enumerate(graph.nodes)}
    cards, frames, lanes = {}, {}, []
    for one in drawn.get("objects", []):
        name = one["name"]
        if name in names:
            x, y = _numbers(one["pos"])
            width, height = float(one["width"]) * INCH, float(one["height"]) * INCH
            cards[names[name]] = Box(x - width / 2 - left, top - y - height / 2, width, height)
        elif "bb" in one:
            x1, y1, x2, y2 = _numbers(one["bb"])
            box = Box(x1 - left, top - y2, x2 - x1, y2 - y1)
            if name in by_cluster:
                frames[by_cluster[name]] = box
            else:
                lanes.append(box)
    lines = [
        _line(graph.edges[int(one["id"])], one["pos"], left, top)
        for one in drawn.get("edges", [])
        if "id" in one and "pos" in one
    ]
    return Layout(right - left, top - bottom, cards, frames, lanes, lines)


def _line(edge: Edge, spline: str, left: float, top: float) -> Line:
    """Return an edge's curve from its source to its target.

    dot names the arrow's point first: `e,x,y` of one that is drawn forward, `s,x,y` of the others.
    """
    tip, backward, points = None, False, []
    for part in spline.split():
        mark, _, rest = part.partition(",") if part[0] in "es" else ("", "", part)
        x, y = _numbers(rest)
        point = (x - left, top - y)
        if mark:
            tip, backward = point, mark == "s"
        else:
            points.append(point)
    if backward:
        points.reverse()
    return Line(edge, points, tip or points[-1])


def _numbers(text: str) -> list[float]:
    return [float(one) for one in text.split(",")]
