"""Rules and schedules: each is tried with events, and what cannot be delivered is kept."""

import tomllib
from typing import Any

import pytest

from workbench.replay.scenarios import EVENTS
from workbench.routes.questions import read_expected
from workbench.stages.stage import Stage
from workbench.testing.contract.deployed import RULE, of_type, targets

TARGETS = targets()
ATTEMPTS, SECONDS = 185, 86400  # AWS's own limits, which are its defaults, too


@pytest.mark.parametrize(("caller", "target"), TARGETS, ids=[name for name, _ in TARGETS])
def test_a_target_has_a_dead_letter_queue_and_bounded_retries(
    caller: str, target: dict[str, Any]
) -> None:
    kept = bool(target.get("DeadLetterConfig", {}).get("Arn"))
    assert kept, (
        f"template.yaml: what {caller} cannot deliver is lost; give its target a DeadLetterConfig"
    )
    policy = target.get("RetryPolicy", {})
    wanted = {"MaximumRetryAttempts": ATTEMPTS, "MaximumEventAgeInSeconds": SECONDS}
    for name, most in wanted.items():
        bounded = 1 <= policy.get(name, 0) <= most
        assert bounded, (
            f"template.yaml: {caller} may try for a day before anybody hears of it; give its "
            f"target a RetryPolicy with {name} from 1 to {most}"
        )


def expected() -> set[str]:
    """The rules that some event of events/ is expected to be taken by."""
    found = {rule for rules in read_expected().values() for rule in rules}
    for path in EVENTS.rglob("*.toml"):
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        found |= {*said.get("rules", []), *said.get("expect", {}).get("rules", [])}
    return found


@pytest.mark.parametrize("name", sorted(of_type(RULE)))
def test_a_rule_is_expected_by_an_event(name: str) -> None:
    named = str(of_type(RULE)[name].get("Name", name)).removeprefix(f"{Stage('local').prefix}-")
    assert named in expected(), (
        f"template.yaml: no event is expected to be taken by the rule {named}; add one to "
        f'events/bus/, and beside it a .toml with rules = ["{named}"]'
    )
