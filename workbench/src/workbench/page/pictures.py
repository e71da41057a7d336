"""`make pictures`: write each workflow's picture into the Markdown files that have a place for it.

Such a place lies between `<!-- workflow NAME -->` and `<!-- end of workflow NAME -->`; NAME is the
state machine's logical id. `make lint` says when a picture is not that of the definition.
"""

import argparse
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from workbench.page.drawing import graph, mermaid
from workbench.page.drawing.graph import Definition
from workbench.stages.errors import UserError, run
from workbench.stages.stage import ROOT
from workbench.stages.visible import say
from workbench.workflow.definition import load_all

PLACE = re.compile(
    r"(?P<begin><!-- workflow (?P<name>\S+) -->\n)(?P<old>.*?)"
    r"(?P<end><!-- end of workflow (?P=name) -->)",
    re.DOTALL,
)


def drawn(text: str, definitions: Mapping[str, Definition], file: str) -> str:
    """Return a Markdown text with the pictures of these definitions in their places.

    Raises UserError for a place of a state machine that there is not.
    """

    def picture(place: re.Match[str]) -> str:
        name = place["name"]
        if name not in definitions:
            line = text[: place.start()].count("\n") + 1
            raise UserError(
                f"{file}:{line}: there is no state machine {name}; there are: "
                f"{', '.join(definitions)}"
            )
        chart = mermaid.text(graph.of(definitions[name]))
        return f"{place['begin']}\n```mermaid\n{chart}\n```\n\n{place['end']}"

    return PLACE.sub(picture, text)


def stale(root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """Yield the Markdown files whose pictures differ, each with its text as it should be."""
    definitions = load_all()
    for path in sorted([*root.glob("*.md"), *root.glob("docs/**/*.md")]):
        text = path.read_text(encoding="utf-8")
        fresh = drawn(text, definitions, str(path.relative_to(root)))
        if fresh != text:
            yield path, fresh


def main(arguments: list[str] | None = None) -> int:
    """Write the pictures that differ; with `--check`, only name them, and return 1."""
    parser = argparse.ArgumentParser(prog="make pictures", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    asked = parser.parse_args(arguments)
    found = list(stale())
    for path, fresh in found:
        name = path.relative_to(ROOT)
        if asked.check:
            say(f"{name}: its picture of a workflow is not the definition's; run: make pictures")
        else:
            path.write_text(fresh, encoding="utf-8")
            say(f"wrote the pictures in {name}")
    return 1 if asked.check and found else 0


if __name__ == "__main__":
    run(main)
