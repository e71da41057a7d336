"""Where the local stage still differs from AWS, for this project; `make status` prints it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Deviation:
    """One difference that remains: what it is, why, and what follows from it."""

    differs: str
    reason: str
    consequence: str
    test: str  # the test that shows it, below tests/; "" where AWS itself is needed to see it


DEVIATIONS: tuple[Deviation, ...] = ()
