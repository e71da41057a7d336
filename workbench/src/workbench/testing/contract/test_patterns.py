"""EventBridge's limits on patterns, which the local cloud does not know."""

import json
from typing import Any

import pytest

from workbench.routes import patterns, planned
from workbench.testing.contract.deployed import longest, template

PATTERNS = planned.patterns(template())


def pattern_of(name: str) -> dict[str, Any]:
    """A rule's pattern as deployed, with the longest names that it can get."""
    found: dict[str, Any] = json.loads(longest(PATTERNS[name]))
    return found


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_a_pattern_is_one_that_eventbridge_takes(name: str) -> None:
    said = planned.ask([PATTERNS[name]]).problems[0]
    assert said is None, f"template.yaml: {name}: EventBridge refuses the pattern: {said}"


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_a_pattern_is_short_and_takes_what_it_says(name: str) -> None:
    problems = list(patterns.problems(pattern_of(name)))
    assert not problems, f"template.yaml: {name}: {'; '.join(problems)}"
