"""How long each Retry can hold a file, worked out from the definition.

The local cloud shortens delays, and no test waits for hours; so this is arithmetic on the fields as
AWS documents them: the n-th delay is IntervalSeconds × BackoffRate^(n-1), at most MaxDelaySeconds;
with jitter FULL it is drawn between nothing and that.
"""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from workbench.application.interface import application
from workbench.workflow.definition import states
from workbench.workflow.loops import holds_once

THROTTLED = "Lambda.TooManyRequestsException"
GRID = 720


@dataclass(frozen=True)
class Hold:
    """What one Retry can do to a file; times in seconds."""

    state: str
    errors: tuple[str, ...]
    attempts: int
    delays: tuple[float, ...]  # before each further attempt, without jitter
    cap: float | None  # MaxDelaySeconds
    jitter: str
    heartbeat: float | None
    # Of all delays together: at best (the jitter draws nothing), at worst.
    shortest: float
    longest: float
    # Delays at their longest, and each attempt as long as its TimeoutSeconds; None when the
    # timeout is a setting of the template. A heartbeat ends a silent attempt sooner. A throttled
    # call ends at once.
    with_attempts: float | None


def delays(retry: dict[str, Any]) -> list[float]:
    """The delays before each further attempt, without jitter, in seconds."""
    every = retry.get("IntervalSeconds", 1)
    growth, cap = retry.get("BackoffRate", 2.0), retry.get("MaxDelaySeconds", float("inf"))
    return [min(every * growth**number, cap) for number in range(retry.get("MaxAttempts", 3))]


def holds(definition: dict[str, Any]) -> list[Hold]:
    """Every Retry of the definition, in its order."""
    return [
        _hold(name, state, retry)
        for name, state in states(definition).items()
        for retry in state.get("Retry", [])
    ]


def _hold(name: str, state: dict[str, Any], retry: dict[str, Any]) -> Hold:
    waits = delays(retry)
    attempt = _longest_attempt(state, retry)
    return Hold(
        state=name,
        errors=tuple(retry["ErrorEquals"]),
        attempts=len(waits) + 1,
        delays=tuple(waits),
        cap=retry.get("MaxDelaySeconds"),
        jitter=retry.get("JitterStrategy", "NONE"),
        heartbeat=state.get("HeartbeatSeconds"),
        shortest=0.0 if retry.get("JitterStrategy") == "FULL" else sum(waits),
        longest=sum(waits),
        with_attempts=sum(waits) + (len(waits) + 1) * attempt if attempt is not None else None,
    )


def _longest_attempt(state: dict[str, Any], retry: dict[str, Any]) -> float | None:
    """How long one attempt takes at most, in seconds; None when a setting of the template says."""
    if retry["ErrorEquals"] == [THROTTLED]:
        return 0.0
    if state["Type"] == "Map":
        return application().longest.map
    limit = state.get("HeartbeatSeconds", state.get("TimeoutSeconds"))
    return limit if isinstance(limit, int | float) else None


def chance_to_give_up(retry: dict[str, Any], outage: float) -> float:
    """Return the probability that a Retry is used up within an outage of so many seconds.

    Its delays are drawn evenly between nothing and their maximum (JitterStrategy FULL), and their
    sum must outlast the outage. Computed on a grid that rounds each delay down; the attempts
    themselves take no time.
    """
    step = outage / GRID
    # chances[n]: that the delays so far add up to n steps; what is longer is past the outage.
    chances = [1.0, *[0.0] * (GRID - 1)]
    for delay in delays(retry):
        width = max(1, round(delay / step))
        sums = [0.0, *itertools.accumulate(chances)]
        chances = [(sums[n + 1] - sums[max(0, n + 1 - width)]) / width for n in range(GRID)]
    return sum(chances)


def _whole(hold: Hold) -> float:
    """Delays and attempts at their longest. A call that fails does not wait for an answer first."""
    known = hold.with_attempts
    return hold.longest + application().longest.task if known is None else known


def longest_way(
    definition: dict[str, Any], start: str | None = None, ends: Iterable[str] = ()
) -> float:
    """How long a file can take at most, retries and waits included; seconds.

    From the state `start` (the first one) until one of the states `ends` is entered (until the
    execution ends). Failures at the very end of a state count too: a Catch follows the longest
    hold. A loop has no longest way (infinity), unless a Choice rule closes it that holds only once.
    """
    every = holds(definition)

    def stay(name: str, state: dict[str, Any]) -> float:
        inner: float = max(
            (way(each, each["StartAt"]) for each in state.get("Branches", [])), default=0
        )
        inner += application().longest.wait if state["Type"] == "Wait" else 0
        inner += application().longest.map if state["Type"] == "Map" and "Retry" not in state else 0
        inner += sum(_whole(hold) for hold in every if hold.state == name)
        return inner

    def way(
        machine: dict[str, Any],
        name: str,
        been: frozenset[str] = frozenset(),
        taken: tuple[dict[str, Any], ...] = (),
    ) -> float:
        if name in ends:
            return 0
        if name in been:
            return math.inf
        state = machine["States"][name]
        arrows = [state, *state.get("Catch", []), {"Next": state.get("Default")}]
        following = {arrow.get("Next") for arrow in arrows} - {None}
        further = [way(machine, each, been | {name}, taken) for each in following]
        for rule in state.get("Choices", []):
            if not holds_once(machine, rule):
                further.append(way(machine, rule["Next"], been | {name}, taken))
            elif rule not in taken:
                further.append(way(machine, rule["Next"], frozenset(), (*taken, rule)))
        return stay(name, state) + max(further, default=0)

    return way(definition, start or definition["StartAt"])


def as_time(seconds: float) -> str:
    """Seconds for people: `40 s`, `5 min 15 s`, `1 h 51 min`."""
    if math.isinf(seconds):
        return "without end, in a loop"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} days {whole % 86400 // 3600} h"


def table(definition: dict[str, Any]) -> list[str]:
    """The table of all Retries, as lines of text."""
    rows: list[tuple[str, ...]] = [
        ("Retry of", "attempts", "delays (s)", "cap", "jitter", "heartbeat",
         "all delays: best", "worst", "with attempts")
    ]  # fmt: skip
    for hold in holds(definition):
        runs = [(each, len(list(some))) for each, some in itertools.groupby(hold.delays)]
        delays = " ".join(f"{each:g}" if n == 1 else f"{n}×{each:g}" for each, n in runs)
        fields = ["none" if each is None else as_time(each) for each in (hold.cap, hold.heartbeat)]
        times = (hold.shortest, hold.longest, _whole(hold))
        columns = (hold.state, str(hold.attempts), delays, fields[0], hold.jitter, fields[1])
        rows.append((*columns, *(as_time(each) for each in times)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    longest, limit = as_time(longest_way(definition)), definition.get("TimeoutSeconds")
    known = f"the workflow's limit is {as_time(limit)}" if limit else "the workflow has no limit"
    return [*lines, f"The longest way takes {longest}; {known}."]
