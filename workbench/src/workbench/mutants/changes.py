"""One change of a file's text, and what the operators have in common."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from workbench.mutants.places import Place


@dataclass(frozen=True)
class Change:
    """Characters `start` to `end` become `new`; at the place of this name, and what it means."""

    place: str
    start: int
    end: int
    new: str
    what: str

    def applied(self, text: str) -> str:
        """The text with this change made."""
        return text[: self.start] + self.new + text[self.end :]


type Operator = Callable[[Iterable[Place]], Iterator[Change]]


def become(place: Place, new: str) -> Change:
    """The value becomes another one."""
    return Change(
        place.name, place.start, place.end, new, f"{_short(place.source)} → {_short(new)}"
    )


def lost(place: Place) -> Iterator[Change]:
    """The value is gone, with its key; where something must stand there, nothing is changed."""
    if place.cut:
        yield Change(place.name, *place.cut, "", f"{_short(place.source)} is gone")


def misspelt(word: str) -> str:
    """The word with its last two letters swapped, or with its last letter gone."""
    swapped = word[:-2] + word[-1:] + word[-2:-1]
    return swapped if swapped != word else word[:-1]


def _short(source: str) -> str:
    line = " ".join(source.split())
    return line if len(line) <= 50 else f"{line[:49]}…"
