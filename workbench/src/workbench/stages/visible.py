"""Printing what a file, a key or an event says, so that it cannot take over the terminal.

A file's header, an object's name or a refused value may hold escape sequences, line breaks or marks
that turn the reading direction. They are shown as Python writes them in a string: `\\x1b`, `\\n`.
"""

import sys
from typing import TextIO


def visible(text: object) -> str:
    """Return `text` with every character that is not printable shown as its escape."""
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(one if one.isprintable() else _escape(one) for one in shown)


def say(*lines: object, file: TextIO | None = None, flush: bool = False) -> None:
    """Print each line; line breaks within one are shown, so that no line can be made up."""
    for line in lines:
        print(visible(line), file=file or sys.stdout, flush=flush)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
