"""Links in Markdown files that lead nowhere: to a file or a heading that is not there.

Reaches no network: of links into it, only the form is checked.
"""

import itertools
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from workbench.stages.errors import run
from workbench.stages.stage import ROOT


def main(paths: list[str] | None = None) -> int:
    """Print each broken link of the files; 1 when there is any."""
    found = [problem for path in paths or sys.argv[1:] for problem in problems(ROOT / path)]
    for problem in found:
        print(problem)
    return 1 if found else 0


def problems(path: Path) -> Iterator[str]:
    """What is wrong with the links of one file, a line each."""
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    for line, target in links(path.read_text(encoding="utf-8")):
        why = wrong_with(target, path)
        if why:
            yield f"{shown}:{line}: {target}: {why}"


def links(text: str) -> Iterator[tuple[int, str]]:
    """(line, target) of each link and image."""
    for block in MarkdownIt("commonmark").enable("table").parse(text):
        line = (block.map or [0])[0] + 1
        for token in block.children or []:
            target = token.attrGet("href" if token.type == "link_open" else "src")
            if target is not None:
                yield line, str(target)


def wrong_with(target: str, path: Path) -> str | None:
    """Why a link in the file `path` leads nowhere; None when it does not."""
    link = urlsplit(target)
    if link.scheme or link.netloc:
        known = link.scheme in ("https", "mailto") or link.hostname in ("127.0.0.1", "localhost")
        return None if known else "only https links"
    there = (path.parent / unquote(link.path)).resolve() if link.path else path
    if not there.exists():
        return "no such file"
    if path.is_relative_to(ROOT) and not there.is_relative_to(ROOT):
        return "outside of the repository"
    if link.fragment and link.fragment not in headings(there):
        return "no such heading"
    return None


def headings(path: Path) -> set[str]:
    """The names that a file's headings have in links, as GitHub makes them."""
    tokens = MarkdownIt("commonmark").parse(path.read_text(encoding="utf-8"))
    pairs = itertools.pairwise(tokens)
    return {_slug(inline) for opened, inline in pairs if opened.type == "heading_open"}


def _slug(inline: Token) -> str:
    text = "".join(token.content for token in inline.children or []).lower()
    kept = (c for c in text if c in " -_" or unicodedata.category(c)[0] in "LN")
    return re.sub(" ", "-", "".join(kept))


if __name__ == "__main__":
    run(main)
