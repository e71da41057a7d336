"""ONLY=…: which parts of a command run."""

import os
from collections.abc import Iterable

from workbench.checks.checking.finding import near


def named() -> list[str]:
    """Return the names in ONLY, separated by commas; none without it."""
    return [name.strip() for name in os.environ.get("ONLY", "").split(",") if name.strip()]


def check(names: Iterable[str], known: Iterable[str]) -> None:
    """Raise UserError, in one line, for a name that is not known."""
    known = list(known)
    for name in names:
        if name not in known:
            from workbench.stages.errors import UserError  # takes longer than all of `make check`

            there = f"there are: {', '.join(known)}"
            raise UserError(f"ONLY={name}: there is no such part{near(name, known)} ({there})")
