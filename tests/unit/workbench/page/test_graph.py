import re

import pytest

from tests.unit.workbench.page.recorded import DEFINITION
from workbench.page.drawing import graph, layout, svg
from workbench.workflow import definition

GRAPHS = {"recorded": DEFINITION} | definition.load_all()


def test_ways_of_a_definition_are_edges() -> None:
    found = graph.of(DEFINITION)

    assert [(one.source, one.target, one.kind) for one in found.edges] == [
        ("Look", "Ask", "next"),
        ("Ask", "Answer", "next"),
        ("Ask", "Sorry", "catch"),
        ("Answer", "Ask", "choice"),
        ("Answer", "Both", "choice"),
        ("Answer", "Sorry", "default"),
        ("Both", "Each", "next"),
        ("Both", "Left", "enters"),
        ("Both", "Right", "enters"),
        ("Each", "Done", "next"),
        ("Each", "One", "enters"),
    ]
    says = {one.says for one in found.edges if one.says}
    assert says == {
        "States.Timeout, Busy", "$states.input.again", "Variable $.ok BooleanEquals True",
        "otherwise",
    }  # fmt: skip


def test_only_what_leads_to_an_earlier_state_leads_back() -> None:
    assert graph.of(DEFINITION).backward() == {("Answer", "Ask")}


def test_work_of_a_state_is_said_in_a_few_words() -> None:
    work = {node.name: node.work for node in graph.of(DEFINITION).nodes}

    assert work["Ask"] == "Lambda, waits"
    assert work["One"] == "DynamoDB getItem"
    assert work["Each"] == "Map, distributed"
    assert work["Sorry"] == "Sorry"
    assert work["Look"] == "Pass"


@pytest.mark.parametrize("name", GRAPHS)
def test_everything_is_drawn_once_and_nothing_overlaps(name: str) -> None:
    found = graph.of(GRAPHS[name])
    drawn = layout.laid_out(found)

    assert sorted(drawn.cards) == sorted(node.name for node in found.nodes)
    assert sorted(drawn.frames) == sorted(found.owners())
    assert len(drawn.lines) == len(found.edges)
    boxes = list(drawn.cards.values())
    assert not [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if overlap(a, b)]
    for node in found.nodes:
        if node.inside:
            frame, card = drawn.frames[node.inside], drawn.cards[node.name]
            assert frame.x < card.x
            assert card.x + card.width < frame.x + frame.width


def overlap(a: layout.Box, b: layout.Box) -> bool:
    apart = (
        a.x + a.width <= b.x or b.x + b.width <= a.x
        or a.y + a.height <= b.y or b.y + b.height <= a.y
    )  # fmt: skip
    return not apart


def test_edge_that_leads_back_ends_at_its_target() -> None:
    drawn = layout.laid_out(graph.of(DEFINITION))
    line = next(
        one for one in drawn.lines if one.edge.target == "Ask" and one.edge.kind == "choice"
    )
    source, target = drawn.cards["Answer"], drawn.cards["Ask"]

    assert abs(line.points[0][1] - source.y) < abs(line.points[0][1] - target.y)
    assert abs(line.tip[1] - (target.y + target.height)) < 2


def test_broken_definition_is_drawn_as_far_as_it_goes() -> None:
    broken = {"StartAt": "A", "States": {"A": {"Next": "Nowhere"}, "B": {"Type": "Taks"}}}
    found = graph.of(broken)

    assert [node.type for node in found.nodes] == ["?", "Taks"]
    assert found.edges == []
    assert len(layout.laid_out(found).cards) == 2


def test_names_cannot_leave_their_place() -> None:
    evil = {"StartAt": "<b>&", "States": {"<b>&": {"Type": "Succeed"}}}
    found = graph.of(evil)
    picture = svg.drawn(found, layout.laid_out(found), "</svg>")

    assert "<b>" not in picture
    assert picture.count("</svg>") == 1
    assert re.search(r'data-state="&lt;b&gt;&amp;"', picture)
