"""Near misses: events that differ in one field from one that a rule takes.

They are made from the patterns as deployed, so that a changed pattern is asked about other events.
What must come of each is said by kind: a rule that wants a text takes no other, whatever its case.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from workbench.routes.questions import Question, changed
from workbench.stages.deployed import Deployed, Rule

# Beyond these, EventBridge compares no numbers: nothing that wants one takes them.
RANGE = 5_000_000_000


def near_misses(deployed: Deployed, known: Iterable[Question]) -> Iterator[Question]:
    """The near misses of all deployed rules, each made from a known event that its rule takes."""
    known = list(known)
    for rule in deployed.rules:
        base = next((each for each in known if each.expected == (rule.name,)), None)
        if base is None:
            continue  # tests/local_cloud/commands/test_routes.py says when a rule has no event
        pattern = json.loads(rule.pattern)
        for path, wanted in leaves(pattern):
            if _at(base.event, path) is not None:  # without it, the base itself is told to differ
                yield from _misses(deployed, rule, base, path, wanted)


def leaves(
    pattern: dict[str, Any], at: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """(path, values) of each field that a pattern names; not what is below `$or`."""
    for name, inside in pattern.items():
        if name == "$or":
            continue
        if isinstance(inside, dict):
            yield from leaves(inside, (*at, name))
        else:
            yield (*at, name), inside


def _at(event: Any, path: tuple[str, ...]) -> Any:
    """What stands at a path of an event; None where nothing does."""
    for name in path:
        event = event.get(name) if isinstance(event, dict) else None
    return event


def _misses(
    deployed: Deployed, rule: Rule, base: Question, path: tuple[str, ...], wanted: list[Any]
) -> Iterator[Question]:
    def ask(value: Any, expected: tuple[str, ...] = ()) -> Question:
        said = "without it" if value is ... else json.dumps(value, ensure_ascii=False)
        return Question(
            f"{rule.name}: {'.'.join(path)} {said}", changed(base, path, value), expected
        )

    yield ask(...)
    yield ask(None)
    if all(isinstance(each, str) for each in wanted):
        yield from _other_texts(ask, wanted, base, path)
    for each in wanted:
        match each:
            case {"numeric": _}:
                yield from _numbers(ask, deployed, path)
            case {"prefix": str(prefix)}:
                yield from _keys(ask, rule, prefix, str(_at(base.event, path)))


def _other_texts(
    ask: Callable[..., Question], wanted: list[str], base: Question, path: tuple[str, ...]
) -> Iterator[Question]:
    now: str = _at(base.event, path)
    others = (now + "x", "x" + now, now[:-1], now.swapcase(), now.upper(), f"{now} ", "")
    yield from (ask(other) for other in dict.fromkeys(others) if other not in wanted)
    yield ask({"name": now})  # the right text, a level too deep


def _keys(ask: Callable[..., Question], rule: Rule, prefix: str, key: str) -> Iterator[Question]:
    """Texts that nearly begin with a prefix, and texts that look odd and do begin with it."""
    rest, whole = key.removeprefix(prefix), prefix.rstrip("/")
    swapped = f"{prefix.swapcase()}{rest}"
    others = (
        rest, prefix[:-1], swapped, swapped.upper(), f"{prefix.capitalize()}{rest}", f" {key}",
        f"/{key}", f"{whole}s/{rest}", f"x{key}", f"other/{key}", f"other/{rest}",
    )  # fmt: skip
    yield from (ask(other) for other in dict.fromkeys(others) if not other.startswith(prefix))
    odd = ("", rest, "a b+ü%20", f"{rest}/", rest.upper(), f"{rest}.gz", ".csv", "\u001b[31m\n")
    yield from (ask(f"{prefix}{each}", (rule.name,)) for each in (*odd, f"{prefix}{rest}"))


def _numbers(
    ask: Callable[..., Question], deployed: Deployed, path: tuple[str, ...]
) -> Iterator[Question]:
    """Numbers around each bound of the deployed rules; below one rule's, at the other's."""
    bounds = {
        (operator, bound, rule.name)
        for rule in deployed.rules
        for place, wanted in leaves(json.loads(rule.pattern))
        if place == path
        for operator, bound in [wanted[0]["numeric"]]
    }
    meets = {"<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__}
    edges = {bound + by for _, bound, _ in bounds for by in (-1, 0, 1)}
    for number in sorted(edges | {0, RANGE - 1, RANGE}):
        takers = sorted(name for sign, bound, name in bounds if meets[sign](number, bound))
        yield ask(number, tuple(takers))
    yield from (ask(number) for number in (RANGE + 1, 6 * RANGE))
    yield from (ask(str(bound)) for _, bound, _ in sorted(bounds))  # text is not a number
