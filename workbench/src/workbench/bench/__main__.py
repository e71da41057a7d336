"""`make bench`: measure, print each figure, and keep them in bench.txt (which git ignores).

ONLY names what to measure: `imports`, `loop` (from an edit to its result), `page` (of the last
replay), `sam_local`, and what the application measures of itself. Some need a deployed local cloud.
Run it on a quiet machine.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from importlib import import_module

from workbench.application.interface import application
from workbench.bench.figures import Figure, write
from workbench.stages.errors import UserError, run
from workbench.stages.stage import ROOT, Stage

FILE = ROOT / "bench.txt"


def parts() -> dict[str, str]:
    """Return the module of each measurement, by its name."""
    return {
        "imports": "workbench.bench.imports",
        **application().benchmarks,
        "loop": "workbench.bench.loop",
        "page": "workbench.bench.page",
        "sam_local": "workbench.bench.sam_local",
    }


def part(name: str) -> Callable[[], Iterator[Figure]]:
    """The measurement of that name, imported only when it is wanted."""
    measure: Callable[[], Iterator[Figure]] = import_module(parts()[name]).measure
    return measure


def main(arguments: list[str] | None = None) -> int:
    """Measure what ONLY names; 1 when a figure misses its bound."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", default=os.environ.get("ONLY") or ",".join(parts()))
    names = [name for name in parser.parse_args(arguments).only.replace(",", " ").split() if name]
    if unknown := set(names) - set(parts()):
        raise UserError(f"ONLY={','.join(sorted(unknown))}: there are {', '.join(parts())}")
    if not Stage.from_environment().is_local:
        raise UserError("`make bench` measures on this machine; leave STAGE out")
    figures: list[Figure] = []
    try:
        for name in names:
            for figure in part(name)():
                print(figure.line(), flush=True)
                figures.append(figure)
    finally:
        write(figures, FILE)
    missed = [figure.name for figure in figures if not figure.is_met]
    print(f"{len(figures)} figures in {FILE.name}, {len(missed)} missed their bound")
    return 1 if missed else 0


if __name__ == "__main__":
    run(main)
