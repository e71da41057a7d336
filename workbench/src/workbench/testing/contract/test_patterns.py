"""EventBridge's limits on patterns, which the local cloud does not know."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from workbench.testing.contract.deployed import RULE, longest, of_type

PATTERNS = {name: rule.get("EventPattern") for name, rule in of_type(RULE).items()}
RULES = sorted(name for name, pattern in PATTERNS.items() if pattern)
MOST_CHARACTERS = 2048  # AWS's quota; it can be raised to 4096 by asking
MOST_VALUES = 20  # ours: a list that goes on growing belongs into the event's own type
MOST_COMBINATIONS = 1000  # of the alternatives in $or
MOST_WILDCARDS = 3  # ours: many in one value are refused as too complex
MOST = 5_000_000_000  # numbers are compared from the negative of this to this


def pattern_of(name: str) -> dict[str, Any]:
    """A rule's pattern as deployed, with the longest names that it can get."""
    pattern = PATTERNS[name]
    text = pattern if isinstance(pattern, str) else json.dumps(pattern)
    found: dict[str, Any] = json.loads(longest(text))
    return found


def fields(pattern: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """(name, values) of every field, those below `$or` too."""
    for name, inside in pattern.items():
        if name == "$or":
            for each in inside:
                yield from fields(each)
        elif isinstance(inside, dict):
            yield from fields(inside)
        else:
            yield name, inside


@pytest.mark.parametrize("name", RULES)
def test_a_pattern_is_short_enough(name: str) -> None:
    characters = len(json.dumps(pattern_of(name), indent=2))
    said = f"the pattern of {name} has {characters} characters of {MOST_CHARACTERS}"
    assert characters <= MOST_CHARACTERS, f"template.yaml: {said}"


@pytest.mark.parametrize("name", RULES)
def test_every_field_has_a_list_of_few_values(name: str) -> None:
    for field, values in fields(pattern_of(name)):
        assert isinstance(values, list), f"template.yaml: {name}: {field} must be a list"
        assert 1 <= len(values) <= MOST_VALUES, f"template.yaml: {name}: {field}: too many values"


@pytest.mark.parametrize("name", RULES)
def test_no_field_takes_what_only_begins_or_only_ends_right(name: str) -> None:
    """Values of a list are alternatives: a prefix and a suffix beside it want only one of both."""
    for field, values in fields(pattern_of(name)):
        operators = [next(iter(each)) for each in values if isinstance(each, dict)]
        assert not {"prefix", "suffix"} <= set(operators), (
            f"template.yaml: {name}: {field}: use a wildcard for a value that begins and ends so"
        )


@pytest.mark.parametrize("name", RULES)
def test_wildcards_are_few_and_never_side_by_side(name: str) -> None:
    for field, values in fields(pattern_of(name)):
        for each in values:
            if isinstance(each, dict) and "wildcard" in each:
                said = f"template.yaml: {name}: {field}: too many wildcards in {each['wildcard']}"
                assert "**" not in each["wildcard"], said
                assert each["wildcard"].count("*") <= MOST_WILDCARDS, said


@pytest.mark.parametrize("name", RULES)
def test_numbers_are_numbers_that_are_compared(name: str) -> None:
    for field, values in fields(pattern_of(name)):
        for each in values:
            if isinstance(each, dict) and "numeric" in each:
                bounds = each["numeric"][1::2]
                assert all(type(bound) is int for bound in bounds), (
                    f"template.yaml: {name}: {field}: a text is not a number"
                )
                assert all(-MOST <= bound <= MOST for bound in bounds), (
                    f"template.yaml: {name}: {field} is compared with more than {MOST}"
                )


@pytest.mark.parametrize("name", RULES)
def test_alternatives_are_few(name: str) -> None:
    combinations = 1
    for inside in (pattern_of(name), pattern_of(name).get("detail", {})):
        combinations *= len(inside.get("$or", [0]))
    assert combinations <= MOST_COMBINATIONS, f"template.yaml: {name}: too many alternatives"


@pytest.mark.parametrize("name", RULES)
def test_every_rule_names_source_and_type(name: str) -> None:
    """Without both, a rule takes what other services may one day send."""
    missing = {"source", "detail-type"} - set(pattern_of(name))
    assert not missing, f"template.yaml: the pattern of {name} names no {' and no '.join(missing)}"
