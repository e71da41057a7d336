"""What a measurement says, and whether it is what it is to be."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.stages.stage import ROOT


@dataclass(frozen=True)
class Figure:
    """One figure: a median or a ratio, in its unit, and the bound that it is to keep, if any."""

    name: str
    value: float
    unit: str
    bound: tuple[Literal["at most", "at least"], float] | None = None
    note: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the bound is kept; true without one."""
        if self.bound is None:
            return True
        kind, limit = self.bound
        return self.value <= limit if kind == "at most" else self.value >= limit

    def line(self) -> str:
        """The figure in one line of text."""
        bound = f"{self.bound[0]} {self.bound[1]:g}" if self.bound else ""
        verdict = "" if self.bound is None else "reached" if self.is_met else "MISSED"
        columns = f"{self.name:<52}{self.value:>10.2f} {self.unit:<6} {bound:<14} {verdict:<8}"
        return f"{columns} {self.note}".rstrip()


def seconds(action: Callable[[], object]) -> float:
    """How long `action` takes."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def medians(actions: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of each action's values over `rounds`, taken in turns: noise meets all alike."""
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            taken[name].append(action())
    return {name: statistics.median(values) for name, values in taken.items()}


def python(code: str, environment: dict[str, str], *arguments: str, stdin: str = "") -> str:
    """Return what a fresh Python prints that runs `code` over the functions' source."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(ROOT / "src")},
        input=stdin,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def write(figures: Iterable[Figure], file: Path) -> None:
    """Keep the figures in `file`, over what an earlier run left there."""
    file.write_text("".join(f"{figure.line()}\n" for figure in figures))
