"""Are the checks themselves any good? `make mutants` puts single flaws in and sees who finds them.

Operators over the parsed files make the flaws; each goes into a copy of the repository, and the
checks of `make lint` and `make test` that can see it run there, the cheapest first, until one
fails. Flaws that nobody catches are explained in `tests/survivors.toml`, or mended by a better
check.
"""

import os
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from workbench.deployment import source_template
from workbench.mutants import before_replay, flaws
from workbench.mutants.checks import Catch, Check
from workbench.mutants.copies import Copy, Workers
from workbench.mutants.flaws import Flaw
from workbench.stages.errors import UserError, run
from workbench.stages.stage import ROOT
from workbench.workflow.definition import load_all

WANTED = 0.95  # of the flaws that are tried, to be caught
SURVIVORS = ROOT / "tests" / "survivors.toml"


def main() -> int:
    """Try the flaws of PART, by default all; 1 when one survives that nobody has explained."""
    part = _part(os.environ.get("PART", ""))
    source_template.load()  # what is broken already is reported in one line
    load_all()
    if how := os.environ.get("BEFORE_REPLAY"):
        if how not in ("yes", "check"):
            raise UserError("BEFORE_REPLAY may be yes, check, or left out")
        return before_replay.main(part, replays=how == "yes")
    chosen = [flaw for number, flaw in enumerate(flaws.chosen()) if number % part[1] == part[0]]
    explained = survivors()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        # One more than cores: Terraform mostly waits.
        number, sound = (os.cpu_count() or 2) + 1, set[Check]()
        copies = [Copy(Path(folder) / str(one), sound) for one in range(number)]
        with Workers(copies) as workers:
            print(f"{len(chosen)} single flaws of {sum(1 for _ in flaws.every())} possible ones")
            caught = dict(_try_all(chosen, workers))
    return _sum_up(caught, explained, time.monotonic() - begun)


def _part(text: str) -> tuple[int, int]:
    """`3/10`: the third of ten parts."""
    if not text:
        return 0, 1
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise UserError(f"PART={text} is not a part such as 3/10")
    return int(number) - 1, int(of)


def survivors() -> dict[str, str]:
    """The marks of the flaws that live on purpose, and why; none without the file."""
    if not SURVIVORS.exists():
        return {}
    kept = tomllib.loads(SURVIVORS.read_text(encoding="utf-8"))
    return {each["mark"]: each["why"] for each in kept.get("survivor", [])}


def _try_all(chosen: list[Flaw], workers: Workers) -> Iterator[tuple[Flaw, Catch | None]]:
    """Side by side, one in each copy; a line for each as it is known."""

    def attempt(copy: Copy, flaw: Flaw) -> tuple[Flaw, Catch | None]:
        begun = time.monotonic()
        catch = copy.try_out(flaw)
        _tell(flaw, catch, time.monotonic() - begun)
        return flaw, catch

    return workers.map(attempt, chosen)


def _tell(flaw: Flaw, catch: Catch | None, seconds: float) -> None:
    print(f"{'caught' if catch else 'SURVIVED'}  {flaw.mark}  {flaw.kind}: {flaw.operator}")
    print(f"    {flaw.name}")
    if catch:
        print(f"    {catch.check} ({seconds:.0f} s): {catch.said}", flush=True)


def _sum_up(caught: dict[Flaw, Catch | None], explained: dict[str, str], seconds: float) -> int:
    """Print who caught how many, what survived and why, and the figure."""
    by = Counter(catch.check.split("::")[0] for catch in caught.values() if catch)
    print("\nwho caught how many")
    for check, number in by.most_common():
        print(f"{number:5}  {check}")
    alive = [flaw for flaw, catch in caught.items() if not catch]
    for flaw in alive:
        print(f"survived {flaw.mark} {flaw.name}: {explained.get(flaw.mark, 'NOT EXPLAINED')}")
    number = len(caught) - len(alive)
    share = number / max(len(caught), 1)
    print(f"\ncaught {number} of {len(caught)} ({share:.1%}) in {seconds / 60:.1f} minutes")
    unexplained = [flaw for flaw in alive if flaw.mark not in explained]
    return 1 if unexplained or share < WANTED else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    run(main)
