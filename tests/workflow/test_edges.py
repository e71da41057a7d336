"""The list of edges, and how long a file can be held, come from the definition itself."""

import copy
import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from operations.application import DAY, LONGEST_APPROVAL, LONGEST_MAP
from order_intake.adapters.ledger import LEASE_WORKFLOW
from order_intake.domain.chunks import LARGEST_CHUNK
from tests.template import definition as workflow
from tests.template import template
from workbench.stages.errors import UserError
from workbench.testing import edges_report
from workbench.testing.edges_report import every_edge
from workbench.workflow import retry_times
from workbench.workflow.definition import load, states
from workbench.workflow.edges import edges

ITEM = {"StartAt": "One", "States": {"One": {"Type": "Task", "End": True}}}
SMALL: dict[str, Any] = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "TimeoutSeconds": 10,
            "Retry": [{"ErrorEquals": ["Busy"], "MaxAttempts": 2}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Which"}],
            "Next": "Which",
        },
        "Which": {"Type": "Choice", "Choices": [{"Next": "Each"}], "Default": "End"},
        "Each": {"Type": "Map", "ItemProcessor": ITEM, "Next": "Both"},
        "Both": {"Type": "Parallel", "Branches": [ITEM], "Next": "End"},
        "End": {"Type": "Fail"},
    },
}


def test_every_kind_of_edge_is_listed() -> None:
    assert set(edges(SMALL)) == {
        "StartAt → Ask",
        "Ask: Next → Which",
        "Ask: answer",
        "Ask: no answer",
        "Ask: Retry Busy",
        "Ask: Retry 1 used up",
        "Ask: Catch States.ALL → Which",
        "Ask: TimeoutSeconds",
        "Which: rule 1 → Each",
        "Which: Default → End",
        "Each: item One",
        "Each: an item fails",
        "Each: an error that nobody catches",
        "Each: Next → Both",
        "Both: branch One",
        "Both: a branch fails",
        "Both: an error that nobody catches",
        "Both: Next → End",
        "End: ends (Fail)",
        "StartAt → One",
        "One: End",
        "One: an error that nobody catches",
    }


def test_delays_grow_up_to_their_cap() -> None:
    retry = {"IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 4, "MaxDelaySeconds": 20}
    assert retry_times.delays(retry) == [2, 6, 18, 20]


def test_jitter_draws_from_nothing_and_attempts_take_their_time() -> None:
    definition = copy.deepcopy(SMALL)
    definition["States"]["Ask"]["Retry"][0] |= {"IntervalSeconds": 4, "BackoffRate": 2}

    (plain,) = retry_times.holds(definition)
    definition["States"]["Ask"]["Retry"][0]["JitterStrategy"] = "FULL"
    (drawn,) = retry_times.holds(definition)

    assert (plain.shortest, plain.longest, plain.with_attempts) == (12, 12, 42)
    assert (drawn.shortest, drawn.longest) == (0, 12)


def test_heartbeat_ends_a_silent_attempt() -> None:
    definition = copy.deepcopy(SMALL)
    definition["States"]["Ask"] |= {"HeartbeatSeconds": 3}
    definition["States"]["Ask"]["Retry"][0] |= {"IntervalSeconds": 1, "BackoffRate": 1}

    (hold,) = retry_times.holds(definition)

    assert hold.with_attempts == 2 + 3 * 3


def test_a_throttled_call_takes_no_time() -> None:
    definition = copy.deepcopy(SMALL)
    definition["States"]["Ask"]["Retry"][0]["ErrorEquals"] = [retry_times.THROTTLED]

    (hold,) = retry_times.holds(definition)

    assert hold.with_attempts == hold.longest == 3


def test_a_map_that_is_run_again_takes_its_time_again() -> None:
    definition = copy.deepcopy(SMALL)
    once = retry_times.longest_way(definition, start="Each")
    definition["States"]["Each"]["Retry"] = [
        {"ErrorEquals": ["Lost"], "MaxAttempts": 2, "IntervalSeconds": 5, "BackoffRate": 1}
    ]

    assert retry_times.longest_way(definition, start="Each") == 3 * once + 10
    assert retry_times.longest_way(definition, start="Each", ends=["Each"]) == 0


def test_a_loop_has_no_longest_way() -> None:
    loop = {"Again": {"Type": "Wait", "Seconds": 1, "Next": "Again"}}
    endless = retry_times.longest_way({"StartAt": "Again", "States": loop})
    assert retry_times.as_time(endless) == "without end, in a loop"


ASK_AGAIN = {
    "Next": "Ask",
    "Condition": "{% $states.input.more and $question = 'first' %}",
    "Assign": {"question": "second"},
}


def asking(**rule: Any) -> dict[str, Any]:
    """A loop that is gone through once more, as long as its rule is as above."""
    return {
        "StartAt": "First",
        "States": {
            "First": {"Type": "Pass", "Assign": {"question": "first"}, "Next": "Ask"},
            "Ask": {"Type": "Wait", "Seconds": 1, "Next": "Again"},
            "Again": {"Type": "Choice", "Choices": [ASK_AGAIN | rule], "Default": "End"},
            "End": {"Type": "Succeed"},
        },
    }


def test_a_loop_whose_rule_holds_once_is_gone_through_twice() -> None:
    assert retry_times.longest_way(asking()) == 2 * DAY


@pytest.mark.parametrize(
    "rule",
    [
        {"Condition": "{% $states.input.more %}"},
        {"Condition": "{% $states.input.more or $question = 'first' %}"},
        {"Condition": "{% $not($question = 'first') %}"},
        {"Assign": {}},
        {"Assign": {"question": "first"}},
        {"Assign": {"question": "{% $states.input.question %}"}},
        {"Next": "First"},
    ],
    ids=str,
)
def test_a_loop_whose_rule_may_hold_again_has_no_longest_way(rule: dict[str, Any]) -> None:
    assert math.isinf(retry_times.longest_way(asking(**rule)))


def test_a_loop_in_which_another_state_opens_it_again_has_no_longest_way() -> None:
    definition = asking()
    definition["States"]["Ask"]["Assign"] = {"question": "first"}

    assert math.isinf(retry_times.longest_way(definition))


def test_the_table_shows_what_the_local_cloud_ignores() -> None:
    definition = copy.deepcopy(SMALL)
    definition["States"]["Ask"] |= {"HeartbeatSeconds": 3}
    definition["States"]["Ask"]["Retry"][0] |= {
        "IntervalSeconds": 30, "BackoffRate": 2, "MaxDelaySeconds": 45, "JitterStrategy": "FULL",
    }  # fmt: skip

    heads, row, last = retry_times.table(definition)

    assert heads.split()[4:8] == ["(s)", "cap", "jitter", "heartbeat"]
    assert re.split(" {2,}", row) == [
        "Ask", "3", "30 45", "45 s", "FULL", "3 s", "0 s", "1 min 15 s", "1 min 24 s"
    ]  # fmt: skip
    assert last.endswith("; the workflow has no limit.")


@pytest.mark.parametrize(("missed", "fails"), [(0, False), (1, True)])
def test_an_edge_that_no_test_took_is_a_failure(
    missed: int, fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = {edge: {"a test"} for edge in every_edge()[missed:]}
    session = SimpleNamespace(config=SimpleNamespace(), exitstatus=0)
    monkeypatch.setattr(edges_report, "TAKEN", taken)
    monkeypatch.setattr(edges_report, "whole_tier_ran", lambda _: True)

    edges_report.pytest_sessionfinish(session)  # type: ignore[arg-type]

    assert bool(session.exitstatus) == fails


def test_workflow_has_time_for_the_longest_way() -> None:
    # The local cloud does not know the limit of whole executions.
    parameters = template()["Parameters"]
    assert parameters["ApprovalTimeoutSeconds"]["MaxValue"] == LONGEST_APPROVAL
    chunks = parameters["MaxFileBytes"]["Default"] // LARGEST_CHUNK
    at_once = parameters["MapMaxConcurrency"]["Default"]
    assert -(-chunks // at_once) * 300 == LONGEST_MAP
    limit = workflow().get("TimeoutSeconds")
    assert limit is not None, "the workflow says no TimeoutSeconds: AWS would let it run for a year"
    assert limit > retry_times.longest_way(workflow())


def test_retries_of_an_express_child_end_before_it_does() -> None:
    found = [hold for hold in retry_times.holds(workflow()) if hold.state == "PriceChunk"]

    # An Express execution runs for five minutes at most:
    # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
    # Ten seconds are left for what the states themselves take.
    assert sum(hold.with_attempts or math.inf for hold in found) <= 5 * 60 - 10


HOUR = 3600.0
OUTLASTING = [
    (name, error)
    for name, state in states(workflow()).items()
    for retry in state.get("Retry", [])
    for error in retry["ErrorEquals"]
    if error in ("DatabaseUnavailable", "RatesUnavailable")
    or (error == retry_times.THROTTLED and name != "PriceChunk")  # its map is run again
]


@pytest.mark.parametrize(("name", "error"), OUTLASTING)
def test_an_outage_of_an_hour_uses_no_retry_up(name: str, error: str) -> None:
    (retry,) = [each for each in states(workflow())[name]["Retry"] if error in each["ErrorEquals"]]

    assert retry_times.chance_to_give_up(retry, HOUR) < 1e-6, f"{name} gives up: {error}"
    assert max(retry_times.delays(retry)) <= 300, f"{name}: too late when it is over"


def test_the_chance_to_give_up_is_that_of_the_delays_sum() -> None:
    def retry(attempts: int) -> dict[str, float]:
        return {"IntervalSeconds": 60, "BackoffRate": 1, "MaxAttempts": attempts}

    # Two delays between 0 and 60 s add up to less than 60 s in half of all cases.
    assert retry_times.chance_to_give_up(retry(1), 60) == pytest.approx(1)
    assert retry_times.chance_to_give_up(retry(2), 60) == pytest.approx(0.5, abs=0.01)
    assert retry_times.chance_to_give_up(retry(3), 60) == pytest.approx(1 / 6, abs=0.01)


def test_a_claim_outlasts_the_work_that_it_is_for() -> None:
    # It is taken by RegisterFile and renewed by RequestApproval, for each question.
    lease = LEASE_WORKFLOW.total_seconds()
    assert lease > retry_times.longest_way(workflow(), ends=["RequestApproval"])
    assert lease > retry_times.longest_way(workflow(), start="HowDecided", ends=["RequestApproval"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("States: [", "is not valid YAML"),
        ("just text", "it has no States"),
        ("States: {}", "it has no StartAt"),
        ("{StartAt: A, States: {A: {Next: B}}}", "state A has no Type"),
        ("{StartAt: A, States: {A: {Type: Choice, Choices: x}}}", "is not a list of objects"),
        ("{StartAt: A, States: {A: {Type: Task, Catch: [{}]}}}", "an entry without Next"),
        ("{StartAt: B, States: {A: {Type: Fail}}}", "StartAt leads to B, and no state"),
        ("{StartAt: A, States: {A: {Type: Pass, Next: B}}}", "state A leads to B"),
        ("{StartAt: A, States: {A: {Type: Choice, Choices: [{Next: B}]}}}", "state A leads to B"),
        ("{StartAt: A, States: {A: {Type: Map, ItemProcessor: [1]}}}", "inside state A: it has no"),
    ],
)
def test_broken_definition_is_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "broken.asl.yaml"
    path.write_text(text)

    with pytest.raises(UserError, match=said) as reported:
        load(path)

    assert "\n" not in str(reported.value)


def test_missing_definition_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        load(tmp_path / "none.yaml")
