"""Flaws of the template's resources and of the rules' patterns."""

import re
from collections.abc import Iterable, Iterator

from workbench.mutants.changes import Change, Operator, become, lost, misspelt
from workbench.mutants.operators import names
from workbench.mutants.places import Place
from workbench.stages.stage import PROJECT

ENCRYPTION = ("KmsMasterKeyId", "KmsKeyId", "KmsKeyArn", "SSESpecification", "BucketEncryption")
DEAD_LETTERS = ("DeadLetterConfig", "RedrivePolicy", "OnFailure", "DestinationConfig")
LIMITS = ("Timeout", "MemorySize", "RetentionInDays", "MessageRetentionPeriod", "RetryPolicy")
PREFIX = re.compile(r'\{"prefix": "[^"]*"\}')
BOUNDS = {'"<"': '"<="', '">="': '">"'}


def in_pattern(place: Place) -> bool:
    """Whether the place is part of a rule's pattern."""
    return "EventPattern" in place.path


def in_policy(place: Place) -> bool:
    """Whether the place is part of a policy."""
    return bool({"PolicyDocument", "AssumeRolePolicyDocument"} & set(place.path))


def of_resources(*keys: str) -> Operator:
    """One of these properties of a resource is lost."""

    def operator(places: Iterable[Place]) -> Iterator[Change]:
        for place in _outside(places):
            if place.key in keys and place.path[0] == "Resources":
                yield from lost(place)

    return operator


def swapped_key(places: Iterable[Place]) -> Iterator[Change]:
    """Something is encrypted with the other key."""
    found = list(places)
    keys = names.swapped_keys(found)
    for place in _outside(found):
        if place.source in keys:
            yield become(place, keys[place.source])


def switch_turned_off(places: Iterable[Place]) -> Iterator[Change]:
    """A protection is there and off."""
    for place in _outside(places):
        if place.source in ("true", "Enabled") and place.path[0] == "Resources":
            yield become(place, "false" if place.source == "true" else "Suspended")


def plaintext_secret(places: Iterable[Place]) -> Iterator[Change]:
    """A password stands where the secret's ARN stood."""
    for place in _outside(places):
        if place.key.endswith("_SECRET_ARN"):
            yield become(place, "correct-horse-battery-staple")


def environment_lost(places: Iterable[Place]) -> Iterator[Change]:
    """A function does not get a setting."""
    for place in _outside(places):
        if place.path[-3:-1] == ("Environment", "Variables"):
            yield from lost(place)


def another_handler(places: Iterable[Place]) -> Iterator[Change]:
    """The function's module is misspelt."""
    for place in _outside(places):
        if place.key == "Handler":
            module, _, name = place.source.rpartition(".")
            yield become(place, f"{misspelt(module)}.{name}")


def permission_for_another(places: Iterable[Place]) -> Iterator[Change]:
    """A rule that may call another function than its target."""
    found = list(places)
    for place in _outside(found):
        if place.key == "FunctionName" and place.source.startswith("!Ref "):
            other = names.another_function(found, place.source.removeprefix("!Ref "))
            yield become(place, f"!Ref {other}")


def permission_for_anything(places: Iterable[Place]) -> Iterator[Change]:
    """Any rule of any account may call the function."""
    for place in _outside(places):
        if place.key == "SourceArn":
            yield from lost(place)


def target_of_another_rule(places: Iterable[Place]) -> Iterator[Change]:
    """A rule's target is another function."""
    found = list(places)
    for place in _outside(found):
        if place.path[-3:-2] == ("Targets",) and place.key == "Arn":
            yield from _arn_of_another(found, place)


def metric_that_nobody_writes(places: Iterable[Place]) -> Iterator[Change]:
    """An alarm watches a metric of another name."""
    for place in _outside(places):
        if place.key == "MetricName":
            yield become(place, misspelt(place.source))


def alarm_that_tells_nobody(places: Iterable[Place]) -> Iterator[Change]:
    """An alarm rings where nobody hears it."""
    for place in _outside(places):
        if place.key == "AlarmActions":
            yield from lost(place)


def handover_of_another_path(places: Iterable[Place]) -> Iterator[Change]:
    """A parameter is asked for by a name that Terraform does not hand over."""
    for place in places:
        if place.key == "Default" and place.source.startswith(f"/{PROJECT}/"):
            yield become(place, place.source[:-3] + misspelt(place.source[-3:]))


def substitution_of_another(places: Iterable[Place]) -> Iterator[Change]:
    """The definition is given another function, or nothing."""
    found = list(places)
    for place in found:
        if "DefinitionSubstitutions" in place.path[:-1]:
            yield from lost(place)
            yield from _arn_of_another(found, place)


def pattern_with_a_wrong_prefix(places: Iterable[Place]) -> Iterator[Change]:
    """The folder is misspelt."""
    for place in _patterns(places):
        if match := re.search(r'"prefix": "([\w-]+)', place.source):
            yield _within(place, match, misspelt(match[1]), 1)
        elif place.key == "prefix":
            yield become(place, misspelt(place.source))


def pattern_with_a_suffix_beside(places: Iterable[Place]) -> Iterator[Change]:
    """A prefix gets a suffix beside it: two values of an array are alternatives."""
    for place in _patterns(places):
        if match := PREFIX.search(place.source):
            yield _within(place, match, f'{match[0]}, {{"suffix": ".csv"}}')


def pattern_with_a_number_as_text(places: Iterable[Place]) -> Iterator[Change]:
    """The threshold is compared as text, which matches nothing."""
    for place in _patterns(places):
        if match := re.search(r'"numeric": \[[^\]]*?(\$\{\w+\})', place.source):
            yield _within(place, match, f'"{match[1]}"', 1)


def pattern_one_byte_off(places: Iterable[Place]) -> Iterator[Change]:
    """A file of exactly the threshold's size goes both ways, or none."""
    for place in _patterns(places):
        for match in re.finditer(r'"(<|>=)"', place.source):
            yield _within(place, match, BOUNDS[match.group()])


def pattern_with_a_misspelt_word(places: Iterable[Place]) -> Iterator[Change]:
    """A source, a type or a status that nobody sends."""
    for place in _patterns(places):
        words = re.finditer(r'\["([\w. -]+)"\]', place.source)
        if place.path[-2] == "Properties":  # a pattern that is text
            for match in words:
                yield _within(place, match, f'["{misspelt(match[1])}"]')
        elif re.fullmatch(r"[\w. -]+", place.source) and place.key.isdigit():
            yield become(place, misspelt(place.source))


def pattern_without_a_field(places: Iterable[Place]) -> Iterator[Change]:
    """The rule takes more than it should."""
    for place in _patterns(places):
        if place.path[-2] == "Properties":
            for match in re.finditer(r'"[\w-]+": \[[^\n]*\],?\n\s*', place.source):
                yield _within(place, match, "")
        elif not place.key.isdigit() or "anything-but" in place.path:
            yield from lost(place)


def _outside(places: Iterable[Place]) -> Iterator[Place]:
    """What is part of no pattern and no policy."""
    return (place for place in places if not in_pattern(place) and not in_policy(place))


def _patterns(places: Iterable[Place]) -> Iterator[Place]:
    """What is part of a pattern, or a whole pattern that is text."""
    for place in places:
        if in_pattern(place) and (place.key != "EventPattern" or place.tag):
            yield place


def _arn_of_another(places: list[Place], place: Place) -> Iterator[Change]:
    """The ARN of another function, where there is the ARN of something."""
    if place.source.startswith("!GetAtt "):
        now = place.source.removeprefix("!GetAtt ").removesuffix(".Arn")
        yield become(place, f"!GetAtt {names.another_function(places, now)}.Arn")


def _within(place: Place, match: re.Match[str], new: str, group: int = 0) -> Change:
    at, end = match.span(group)
    what = f"{match[group]} → {new}"
    return Change(f"{place.name}#{at}", place.start + at, place.start + end, new, what)


OPERATORS: dict[str, Operator] = {
    "lost encryption": of_resources(*ENCRYPTION),
    "a lost dead-letter queue": of_resources(*DEAD_LETTERS),
    "a lost limit": of_resources(*LIMITS),
    "a swapped key": swapped_key,
    "a protection turned off": switch_turned_off,
    "a plaintext secret": plaintext_secret,
    "a lost setting": environment_lost,
    "a misspelt handler": another_handler,
    "a permission for another function": permission_for_another,
    "a permission for any caller": permission_for_anything,
    "a rule with another target": target_of_another_rule,
    "an alarm on a metric that nobody writes": metric_that_nobody_writes,
    "an alarm that tells nobody": alarm_that_tells_nobody,
    "a hand-over by another name": handover_of_another_path,
    "a lost or wrong substitution": substitution_of_another,
}
PATTERNS: dict[str, Operator] = {
    "a wrong prefix": pattern_with_a_wrong_prefix,
    "a suffix beside a prefix": pattern_with_a_suffix_beside,
    "a number become text": pattern_with_a_number_as_text,
    "a threshold off by one": pattern_one_byte_off,
    "a misspelt word": pattern_with_a_misspelt_word,
    "a lost field": pattern_without_a_field,
}
