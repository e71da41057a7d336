"""The partners' profiles, checked by the code that reads them when a file comes.

A line for each thing that is wrong: the file, the key, what it says, what to write. A part of
`make check`, and a linter of `make lint`.
"""

import re
import sys
from collections.abc import Iterator

from workbench.checks.checking.finding import Finding, near
from workbench.stages.errors import UserError, run
from workbench.stages.stage import ROOT
from workbench.stages.visible import say

sys.path.insert(0, str(ROOT / "src"))

from order_intake.domain.partners import PARTNERS, problems_of_all

FOLDER = PARTNERS.relative_to(ROOT)
PROBLEM = re.compile(r"partner profile (?P<file>\S+): (?P<what>.*)", re.DOTALL)
LINE = re.compile(r"\bline (\d+)")
# How a key is named: by this project, and by msgspec in three ways.
KEY = re.compile(r"^`([\w.]+)`|unknown field `(\w+)`|required field `(\w+)`|at `\$\.([\w.]+)")
WRITTEN = re.compile(r"^\s*([\w-]+)\s*=|^\[([\w.]+)\]", re.MULTILINE)


def check() -> None:
    """Return when all profiles can be deployed; UserError with the first problem otherwise."""
    problems = problems_of_all()
    if problems:
        more = f" (and {len(problems) - 1} more: make lint)" if len(problems) > 1 else ""
        raise UserError(f"{problems[0]}{more}")


def reads() -> list[str]:
    """Return what is read: the profiles, and the code that reads them."""
    return [str(FOLDER), "src/order_intake/domain/*.py"]


def find() -> Iterator[Finding]:
    """Return every problem with the line of its key."""
    for problem in problems_of_all():
        said = PROBLEM.fullmatch(problem)
        if said:
            yield _placed(str(FOLDER / said["file"]), said["what"])


def _placed(file: str, what: str) -> Finding:
    if place := LINE.search(what):
        return Finding(file, int(place[1]), what)
    text = (ROOT / file).read_text(encoding="utf-8", errors="replace")
    named = KEY.search(what)
    key = next((one for one in named.groups() if one), "") if named else ""
    if named and named[2]:
        known = {
            one
            for path in PARTNERS.glob("*.toml")
            if path.name != file.rpartition("/")[2]
            for pair in WRITTEN.findall(path.read_text(encoding="utf-8", errors="replace"))
            for one in pair
        }
        what = f"there is no key {key}{near(key, known - {''})}; docs/profiles.md lists the keys"
    last = key.rpartition(".")[2]
    for number, line in enumerate(text.splitlines(), 1):
        if last and re.match(rf"\s*(?:\[[\w.]*)?{re.escape(last)}\b", line):
            return Finding(file, number, what)
    return Finding(file, 1, what)


def main() -> int:
    """Print every problem; 1 when there are any."""
    problems = problems_of_all()
    say(*problems)
    return 1 if problems else 0


if __name__ == "__main__":
    run(main)
