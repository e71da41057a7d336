"""EventBridge's limits on patterns, and what its patterns easily get wrong.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-best-practices.html
"""

import json
from collections.abc import Iterator
from typing import Any

MOST_CHARACTERS = 2048  # AWS's quota; it can be raised to 4096 by asking
MOST_VALUES = 20  # ours: a list that goes on growing belongs into the event's own type
MOST_COMBINATIONS = 1000  # of the alternatives in $or
MOST_WILDCARDS = 3  # ours: many in one value are refused as too complex
MOST = 5_000_000_000  # numbers are compared from the negative of this to this


def fields(pattern: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Return (name, values) of every field, those below `$or` too."""
    for name, inside in pattern.items():
        if name == "$or":
            for each in inside:
                yield from fields(each)
        elif isinstance(inside, dict):
            yield from fields(inside)
        else:
            yield name, inside


def problems(pattern: dict[str, Any]) -> Iterator[str]:
    """Return what is wrong with a pattern, each as a line."""
    characters = len(json.dumps(pattern, indent=2))
    if characters > MOST_CHARACTERS:
        yield f"the pattern has {characters} characters of {MOST_CHARACTERS}"
    missing = {"source", "detail-type"} - set(pattern)
    if missing:
        yield f"the pattern names no {' and no '.join(sorted(missing))}: it takes what others send"
    combinations = 1
    for inside in (pattern, pattern.get("detail", {})):
        combinations *= len(inside.get("$or", [0]))
    if combinations > MOST_COMBINATIONS:
        yield f"$or has {combinations} combinations of {MOST_COMBINATIONS}"
    for field, values in fields(pattern):
        if not isinstance(values, list):
            yield f"a field's values are a list: write [{json.dumps(values)}] for {field}"
            continue
        if not 1 <= len(values) <= MOST_VALUES:
            yield f"{len(values)} values, of 1 to {MOST_VALUES}: {field}"
        yield from _of_values(field, values)


def _of_values(field: str, values: list[Any]) -> Iterator[str]:
    tests = [each for each in values if isinstance(each, dict)]
    if {"prefix", "suffix"} <= {next(iter(each), "") for each in tests}:
        yield (
            "values of a list are alternatives, so a prefix or a suffix is enough; use a wildcard "
            f"for what begins and ends so: {field}"
        )
    for each in tests:
        wildcard, bounds = each.get("wildcard", ""), each.get("numeric", [])[1::2]
        if "**" in wildcard or wildcard.count("*") > MOST_WILDCARDS:
            yield f"too many wildcards in {wildcard}: {field}"
        if not all(type(bound) in (int, float) for bound in bounds):
            yield f"a text is not a number; write it without quotes: {field}"
        elif not all(-MOST <= bound <= MOST for bound in bounds):
            yield f"numbers beyond {MOST} are not compared: {field}"
