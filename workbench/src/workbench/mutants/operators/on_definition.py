"""Flaws of the workflow's definition."""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from workbench.mutants.changes import Change, Operator, become, lost, misspelt
from workbench.mutants.places import Place

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
    """A function, or a service, does not get something."""
    for place in places:
        if {"Payload", "Arguments", "ItemSelector"} & set(place.path[-2:-1]):
            yield from lost(place)


def retries_without_a_limit_or_delay(places: Iterable[Place]) -> Iterator[Change]:
    """How often or how long it is tried again is left to chance."""
    for place in places:
        if place.key in ("MaxAttempts", "MaxDelaySeconds", "JitterStrategy"):
            yield from lost(place)


# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
# https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html
OUTSIDE = {
    "BackoffRate": ("0.9",),
    "HeartbeatSeconds": ("0",),
    "IntervalSeconds": ("0", "100000000"),
    "MaxAttempts": ("-1", "100000000"),
    "MaxDelaySeconds": ("0", "31622401"),
    "Seconds": ("-1", "100000000"),
    "TimeoutSeconds": ("0", "100000000"),
}


def number_outside(places: Iterable[Place]) -> Iterator[Change]:
    """A number that Step Functions refuses."""
    for place in places:
        if re.fullmatch(r"\d+(\.\d+)?", place.source):
            for new in OUTSIDE.get(place.key, ()):
                yield become(place, new)


def word_outside(places: Iterable[Place]) -> Iterator[Change]:
    """A word that Step Functions does not know there."""
    listed = ("ExecutionType", "InputType", "JitterStrategy", "Mode", "QueryLanguage", "Type")
    for place in places:
        if place.key in listed and "Arguments" not in place.path:
            yield become(place, misspelt(place.source))


def retry_that_hardly_tries(places: Iterable[Place]) -> Iterator[Change]:
    """Not tried again, or so soon and so often that nothing can have passed."""
    for place in places:
        if "Retry" in place.path and place.key == "MaxAttempts":
            yield become(place, "0")
        if "Retry" in place.path and place.key == "MaxDelaySeconds":
            yield become(place, "1")
        if "Retry" in place.path and place.key == "BackoffRate":
            yield become(place, "1")


def heartbeat_longer_than_the_timeout(places: Iterable[Place]) -> Iterator[Change]:
    """A heartbeat that can never be missed, which Step Functions refuses."""
    for place in places:
        if place.key == "TimeoutSeconds" and place.path[-3:-2] == ("States",) and place.cut:
            indent = place.start - place.cut[0] - len("TimeoutSeconds: ")
            if indent == 0 and place.source.isdecimal():
                line = f"{place.source}\n{_indent(place)}HeartbeatSeconds: {place.source}"
                yield become(place, line)


def default_that_is_not_the_safe_one(places: Iterable[Place]) -> Iterator[Change]:
    """What no choice is made for goes the way of the first choice; or nowhere."""
    found = list(places)
    first = {
        place.path[:-3]: place.source
        for place in reversed(found)
        if place.path[-3:-2] == ("Choices",) and place.key == "Next"
    }
    for place in found:
        if place.key == "Default":
            yield from lost(place)
            if place.path[:-1] in first:
                yield become(place, first[place.path[:-1]])


def output_lost_anywhere(places: Iterable[Place]) -> Iterator[Change]:
    """What a state hands on is its input, or its whole result; in branches and items, too."""
    for place in places:
        if place.key == "Output":
            yield from lost(place)


def _indent(place: Place) -> str:
    """The spaces before a field of a state: two for each level that leads to it."""
    return "  " * (len(place.path) - 1)


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
    "a number that Step Functions refuses": number_outside,
    "a word that Step Functions does not know": word_outside,
    "a Retry that hardly tries": retry_that_hardly_tries,
    "a heartbeat that can never be missed": heartbeat_longer_than_the_timeout,
    "a Default that is not the safe way": default_that_is_not_the_safe_one,
    "a lost Output": output_lost_anywhere,
}
