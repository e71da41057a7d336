"""What `make check` reports: one line for each thing that is wrong, with its place."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from workbench.application.settings import ROOT

_FILE = re.compile(r"[\w./-]*[\w-]\.(?:yaml|yml|json|toml|tfvars|tf|py|csv)\b")
_MISSING = re.compile(r"there is no ([\w./-]+\.\w+); (.+)")
_LINE = re.compile(r"(?:\bline |:)(\d+)\b")


@dataclass(frozen=True)
class Finding:
    """Something wrong at a line of a file (0: in the file as a whole), and what to write.

    `follows`: a part could not go on; a finding with a place of its own says the same, only better.
    """

    file: str
    line: int
    what: str
    follows: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}" if self.line else f"{self.file}: {self.what}"


def near(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean X?` where a known name is near; else an empty text."""
    import difflib

    close = difflib.get_close_matches(name, sorted({*known} - {name}), 1)
    return f"; did you mean {close[0]}?" if close else ""


def of_message(message: str, otherwise: str) -> Finding:
    """Return the finding of a part that could not go on, placed as its message says.

    In the file `otherwise` where the message names none that is there.
    """
    message = " ".join(message.split())
    if missing := _MISSING.match(message):
        return Finding(missing[1], 0, f"is not there; {missing[2]}", follows=True)
    named = next((one for one in _FILE.findall(message) if (ROOT / one).is_file()), None)
    line = _LINE.search(message)
    file = named or otherwise
    what = message.removeprefix(file).lstrip(": ") if named else message
    if line:  # said once is enough
        what = what.replace(f"{file}:{line[1]}: ", "")
    return Finding(file, int(line[1]) if line else 0, what, follows=True)


def sifted(found: Iterable[Finding]) -> list[Finding]:
    """Return the findings in their order: one a line, and none that only follows from others."""
    every = list(dict.fromkeys(found))
    causes = {_about(one.file) for one in every if not one.follows}
    kept: dict[tuple[str, int, str], Finding] = {}
    for one in every:
        if one.follows and _about(one.file) in causes:
            continue
        if one.follows:
            causes.add(_about(one.file))
        kept.setdefault((one.file, one.line, "" if one.line else one.what), one)
    return sorted(kept.values(), key=lambda one: (one.file, one.line))


def _about(file: str) -> str:
    """Return what a part could not read: the template and its definitions are one thing."""
    return "template" if file.endswith(".yaml") else file
