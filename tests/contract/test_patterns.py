"""EventBridge's limits on patterns, which the local cloud does not know."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.template import resources, template

RULES = sorted(resources("AWS::Events::Rule"))
LONGEST = {
    "Stage": "s" * 12,
    "UploadsBucket": "b" * 63,
    "AWS::AccountId": "0" * 12,
    "AWS::Region": "ap-southeast-99",
    "WorkflowThresholdBytes": str(
        template()["Parameters"]["WorkflowThresholdBytes"].get("MaxValue", 10**15)
    ),
}
AN_ARN = "arn:aws-us-gov:states:us-gov-east-1:000000000000:stateMachine:" + "m" * 80
MOST_CHARACTERS = 2048  # AWS's quota; it can be raised to 4096 by asking
MOST_VALUES = 20  # ours: a list that goes on growing belongs into the event's own type
MOST_COMBINATIONS = 1000  # of the alternatives in $or
MOST_WILDCARDS = 3  # ours: many in one value are refused as too complex
MOST = 5_000_000_000  # numbers are compared from the negative of this to this


def pattern_of(name: str) -> dict[str, Any]:
    """A rule's pattern as deployed, with the longest names that it can get."""
    pattern = resources()[name]["Properties"]["EventPattern"]
    if "Fn::Sub" in pattern:
        text = re.sub(r"\$\{([\w:]+)\}", lambda found: LONGEST[found[1]], pattern["Fn::Sub"])
        pattern = json.loads(text)
    found: dict[str, Any] = filled_in(pattern)
    return found


def filled_in(value: Any) -> Any:
    if isinstance(value, dict):
        is_function = len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))
        return AN_ARN if is_function else {name: filled_in(v) for name, v in value.items()}
    return [filled_in(each) for each in value] if isinstance(value, list) else value


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
    assert len(json.dumps(pattern_of(name), indent=2)) <= MOST_CHARACTERS


@pytest.mark.parametrize("name", RULES)
def test_every_field_has_a_list_of_few_values(name: str) -> None:
    for field, values in fields(pattern_of(name)):
        assert isinstance(values, list), f"{field} must be a list of what it may be"
        assert 1 <= len(values) <= MOST_VALUES, field


@pytest.mark.parametrize("name", RULES)
def test_no_field_takes_what_only_begins_or_only_ends_right(name: str) -> None:
    """Values of a list are alternatives: a prefix and a suffix beside it want only one of both."""
    for field, values in fields(pattern_of(name)):
        operators = [next(iter(each)) for each in values if isinstance(each, dict)]
        assert not {"prefix", "suffix"} <= set(operators), field


@pytest.mark.parametrize("name", RULES)
def test_wildcards_are_few_and_never_side_by_side(name: str) -> None:
    for field, values in fields(pattern_of(name)):
        for each in values:
            if isinstance(each, dict) and "wildcard" in each:
                assert "**" not in each["wildcard"], field
                assert each["wildcard"].count("*") <= MOST_WILDCARDS, field


@pytest.mark.parametrize("name", RULES)
def test_numbers_are_numbers_that_are_compared(name: str) -> None:
    for field, values in fields(pattern_of(name)):
        for each in values:
            if isinstance(each, dict) and "numeric" in each:
                bounds = each["numeric"][1::2]
                assert all(type(bound) is int for bound in bounds), f"{field}: text is not a number"
                assert all(-MOST <= bound <= MOST for bound in bounds), field


@pytest.mark.parametrize("name", RULES)
def test_alternatives_are_few(name: str) -> None:
    combinations = 1
    for inside in (pattern_of(name), pattern_of(name).get("detail", {})):
        combinations *= len(inside.get("$or", [0]))
    assert combinations <= MOST_COMBINATIONS


@pytest.mark.parametrize("name", RULES)
def test_every_rule_names_source_and_type(name: str) -> None:
    """Without both, a rule takes what other services may one day send."""
    assert {"source", "detail-type"} <= set(pattern_of(name))
