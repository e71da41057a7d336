"""Flaws of the workflow's definition."""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from tools.mutants.changes import Change, Operator, become, lost, misspelt
from tools.mutants.places import Place

VARIABLE = re.compile(r"\$(?!states\b)[a-z]\w+(?![\w(])(?! *:=)")
WAYS = ("Next", "Default", "StartAt")


def next_that_leads_nowhere(places: Iterable[Place]) -> Iterator[Change]:
    """The name of the next state is misspelt."""
    for place in places:
        if place.key in WAYS:
            yield become(place, misspelt(place.source))


def next_that_leads_elsewhere(places: Iterable[Place]) -> Iterator[Change]:
    """Another state comes next: the one that stands after it in the file."""
    places = list(places)
    states = [place.path for place in places if place.path[-2:-1] == ("States",)]
    after = {one: other[-1] for one, other in pairwise(states) if one[:-1] == other[:-1]}
    for place in places:
        target = (*place.path[: _depth(place.path)], place.source)
        if place.key in WAYS and target in after:
            yield become(place, after[target])


def misspelt_variable(places: Iterable[Place]) -> Iterator[Change]:
    """An expression reads a variable that nothing assigns."""
    for place in _expressions(places):
        for number, match in enumerate(VARIABLE.finditer(place.source)):
            new = misspelt(match.group())
            at = place.start + match.start()
            name = f"{place.name}#{number}"
            yield Change(name, at, at + len(match.group()), new, f"{match.group()} → {new}")


def expression_without_its_braces(places: Iterable[Place]) -> Iterator[Change]:
    """What was an expression is taken as it stands."""
    for place in _expressions(places):
        if place.source.startswith('"'):
            yield become(place, place.source.replace("{% ", "").replace(" %}", ""))


def condition_turned_round(places: Iterable[Place]) -> Iterator[Change]:
    """A choice is made the other way."""
    for place in _expressions(places):
        if place.key == "Condition" and " = '" in place.source:
            yield become(place, place.source.replace(" = '", " != '", 1))


def comparison_with_a_misspelt_word(places: Iterable[Place]) -> Iterator[Change]:
    """A choice waits for an answer that nobody gives."""
    for place in _expressions(places):
        for match in re.finditer(r"= '(\w+)'", place.source):
            new = place.source.replace(match[1], misspelt(match[1]))
            yield become(place, new)


def retry_on_the_wrong_error(places: Iterable[Place]) -> Iterator[Change]:
    """An error that would pass by itself is no longer tried again."""
    for place in places:
        if place.path[-2:-1] == ("ErrorEquals",) and "Retry" in place.path:
            yield become(place, misspelt(place.source))


def catch_of_the_wrong_error(places: Iterable[Place]) -> Iterator[Change]:
    """An error is no longer caught."""
    for place in places:
        if place.path[-2:-1] == ("ErrorEquals",) and "Catch" in place.path:
            yield become(place, misspelt(place.source))


def field_lost(*fields: str) -> Operator:
    """A state loses one of these fields."""

    def operator(places: Iterable[Place]) -> Iterator[Change]:
        for place in places:
            if place.key in fields and place.path[-3:-2] == ("States",):
                yield from lost(place)

    return operator


def argument_lost(places: Iterable[Place]) -> Iterator[Change]:
    """A function, or a service, is not told something."""
    for place in places:
        if {"Payload", "Arguments", "ItemSelector"} & set(place.path[-2:-1]):
            yield from lost(place)


def retries_without_a_limit_or_delay(places: Iterable[Place]) -> Iterator[Change]:
    """How often or how long it is tried again is left to chance."""
    for place in places:
        if place.key in ("MaxAttempts", "MaxDelaySeconds", "JitterStrategy"):
            yield from lost(place)


def callback_that_nobody_waits_for(places: Iterable[Place]) -> Iterator[Change]:
    """The workflow goes on at once instead of waiting for the answer."""
    for place in places:
        if place.key == "Resource" and place.source.endswith(".waitForTaskToken"):
            yield become(place, place.source.removesuffix(".waitForTaskToken"))


def end_of_another_kind(places: Iterable[Place]) -> Iterator[Change]:
    """A failure that looks like success."""
    for place in places:
        if place.key == "Type" and place.source == "Fail":
            yield become(place, "Succeed")


def _expressions(places: Iterable[Place]) -> Iterator[Place]:
    return (place for place in places if "{%" in place.source and _is_scalar(place))


def _is_scalar(place: Place) -> bool:
    return place.source[0] in "\"'>|" or place.source.startswith("{%")


def _depth(path: tuple[str, ...]) -> int:
    """How many keys lead to the States that a way among them belongs to."""
    inner = [number for number, key in enumerate(path) if key == "States"]
    return inner[-1] + 1 if inner else 0


OPERATORS: dict[str, Operator] = {
    "a Next that leads nowhere": next_that_leads_nowhere,
    "a Next that leads elsewhere": next_that_leads_elsewhere,
    "a misspelt variable": misspelt_variable,
    "an expression without its braces": expression_without_its_braces,
    "a condition turned round": condition_turned_round,
    "a comparison with a misspelt word": comparison_with_a_misspelt_word,
    "a Retry on the wrong error": retry_on_the_wrong_error,
    "a Catch of the wrong error": catch_of_the_wrong_error,
    "a lost Retry": field_lost("Retry"),
    "a lost Catch": field_lost("Catch"),
    "a lost timeout": field_lost("TimeoutSeconds"),
    "a lost Output or Assign": field_lost("Output", "Assign"),
    "a lost argument": argument_lost,
    "a Retry without limit, cap or jitter": retries_without_a_limit_or_delay,
    "a callback that nobody waits for": callback_that_nobody_waits_for,
    "a failure that looks like success": end_of_another_kind,
}
