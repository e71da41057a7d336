"""A graph's drawing as SVG without colours: the page's style has them, its script shows the way."""

import math
from html import escape

from workbench.page.drawing.graph import Edge, Graph, Node
from workbench.page.drawing.layout import Box, Layout, Line

ARROW = 7.0
ROUND = 8


def drawn(graph: Graph, layout: Layout, title: str) -> str:
    """Return the `svg` element of a state machine: its states by `data-state`, edges by number."""
    width, height = math.ceil(layout.width), math.ceil(layout.height)
    parts = [
        f'<svg class="graph" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="group" aria-label="{escape(f"The states of {title}")}">'
    ]
    nodes = {node.name: node for node in graph.nodes}
    parts += [_frame(name, box) for name, box in layout.frames.items()]
    parts += [_rect("lane", box) for box in layout.lanes]
    parts += [_edge(line) for line in layout.lines]
    parts += [_state(nodes[name], box) for name, box in layout.cards.items()]
    return "".join([*parts, "</svg>"])


def _frame(name: str, box: Box) -> str:
    return f'<g class="frame" data-frame="{escape(name)}">{_rect("border", box)}</g>'


def _rect(name: str, box: Box) -> str:
    return (
        f'<rect class="{name}" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="{ROUND}"/>'
    )


def _edge(line: Line) -> str:
    edge = line.edge
    (x, y), *rest = line.points
    curve = f"M{x:.1f} {y:.1f}"
    for number in range(0, len(rest), 3):
        curve += "C" + " ".join(f"{a:.1f} {b:.1f}" for a, b in rest[number : number + 3])
    return (
        f'<g class="edge {edge.kind}" data-from="{escape(edge.source)}" '
        f'data-to="{escape(edge.target)}"><title>{escape(spoken(edge))}</title>'
        f'<path class="line" d="{curve}"/><path class="arrow" d="{_arrow(line)}"/></g>'
    )


def spoken(edge: Edge) -> str:
    """Return an edge in words."""
    way = f"{edge.source} → {edge.target}"
    return f"{way}: {edge.says}" if edge.says else way


def _arrow(line: Line) -> str:
    (x, y), (tip_x, tip_y) = line.points[-1], line.tip
    angle = math.atan2(tip_y - y, tip_x - x)
    corners = [
        (tip_x - ARROW * math.cos(angle + side), tip_y - ARROW * math.sin(angle + side))
        for side in (0.45, -0.45)
    ]
    (a, b), (c, d) = corners
    return f"M{tip_x:.1f} {tip_y:.1f}L{a:.1f} {b:.1f}L{c:.1f} {d:.1f}Z"


def _state(node: Node, box: Box) -> str:
    x, middle = box.x, box.y + box.height / 2
    return (
        f'<g class="state {node.type.lower()}" data-state="{escape(node.name)}" tabindex="0" '
        f'role="button" aria-label="{escape(f"{node.name} {node.work}")}">'
        + _rect("card", box)
        + _rect("tile", Box(x + 8, middle - 14, 28, 28))
        + f'<path class="icon" transform="translate({x + 12:.1f} {middle - 10:.1f})" '
        f'd="{ICONS.get(node.type, ICONS["Task"])}"/>'
        f'<text class="name" x="{x + 44:.1f}" y="{middle - 2:.1f}">{escape(node.name)}</text> '
        f'<text class="work" x="{x + 44:.1f}" y="{middle + 13:.1f}">{escape(node.work)}</text>'
        "</g>"
    )


# Drawn in 20 by 20, lines only.
ICONS = {
    "Task": "M4 5h12v10H4zM8 10l2 2 4-4",
    "Pass": "M3 10h13M12 6l4 4-4 4",
    "Choice": "M10 3l7 7-7 7-7-7z",
    "Wait": "M10 3a7 7 0 1 0 .01 0M10 6v4l3 2",
    "Parallel": "M4 4v12M10 4v12M16 4v12",
    "Map": "M4 4h5v5H4zM11 4h5v5h-5zM4 11h5v5H4zM11 11h5v5h-5z",
    "Succeed": "M4 10l4 4 8-8",
    "Fail": "M5 5l10 10M15 5L5 15",
}
