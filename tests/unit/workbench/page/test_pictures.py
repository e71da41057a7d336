import re
from pathlib import Path

import pytest

from tests.unit.workbench.page.recorded import DEFINITION
from workbench.page import pictures
from workbench.page.drawing import graph, mermaid
from workbench.stages.errors import UserError


def test_each_state_and_way_is_in_the_chart_once() -> None:
    lines = mermaid.text(graph.of(DEFINITION)).splitlines()

    assert lines[0] == "flowchart TD"
    for line in (
        '  Answer{"Answer"}',
        '  subgraph Each["Each (Map, distributed)"]',
        '    One["One"]',
        '  Ask -.->|"States.Timeout, Busy"| Sorry',
        "  Look --> Ask",
        '  Answer -->|"else"| Sorry',
        "  class Sorry fail",
    ):
        assert lines.count(line) == 1, line


def test_edge_says_what_its_rule_compares_with() -> None:
    def label(condition: str) -> str:
        return mermaid.label_of(graph.Edge("A", "B", graph.CHOICE, condition))

    assert label("$states.input.status = 'loaded'") == "loaded"
    assert label("'${Secret}' = 'none'") == "none"
    assert label("$a = 'this' and $b = 'that'") == "this, that"
    assert label("$count($x) > 3") == ""


@pytest.mark.parametrize("name", ["end", "two words", 'a "b" <c>', "1st"])
def test_names_that_mermaid_reads_otherwise_get_another_id(name: str) -> None:
    chart = mermaid.text(graph.of({"StartAt": name, "States": {name: {"Type": "Succeed"}}}))

    assert re.search(r'^  s0\(\["[^"<]*"\]\)$', chart, re.MULTILINE)
    assert "  class s0 succeed" in chart


PLACE = "a\n<!-- workflow Flow -->\nold\n<!-- end of workflow Flow -->\nb\n"


def test_picture_is_written_between_its_marks_and_stays() -> None:
    once = pictures.drawn(PLACE, {"Flow": DEFINITION}, "README.md")

    assert once.startswith("a\n<!-- workflow Flow -->\n\n```mermaid\nflowchart TD\n")
    assert once.endswith("\n```\n\n<!-- end of workflow Flow -->\nb\n")
    assert "old" not in once
    assert pictures.drawn(once, {"Flow": DEFINITION}, "README.md") == once


def test_place_of_a_workflow_that_there_is_not_is_an_error() -> None:
    with pytest.raises(UserError, match=r"README.md:2: there is no state machine Flow; .* Other"):
        pictures.drawn(PLACE, {"Other": DEFINITION}, "README.md")


def test_stale_picture_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "load_all", lambda: {"Flow": DEFINITION})
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text(PLACE)
    (tmp_path / "b.md").write_text("nothing\n")

    [(path, fresh)] = pictures.stale(tmp_path)
    path.write_text(fresh)

    assert path.name == "a.md"
    assert not list(pictures.stale(tmp_path))


def test_own_pictures_are_those_of_the_definitions() -> None:
    assert pictures.main(["--check"]) == 0
