"""What rings, what must not, and what the dashboard shows."""

import json
import re
from typing import Any, get_args

import pytest

from order_intake.domain import outcomes
from tests.template import resources

ALARMS = resources("AWS::CloudWatch::Alarm")
# What CloudWatch is given by others, besides our own namespace.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
# https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
GIVEN = {
    "AWS/SQS": {
        "ApproximateNumberOfMessagesVisible": {"QueueName"},
        "ApproximateAgeOfOldestMessage": {"QueueName"},
    },
    "AWS/Events": {"Invocations": {"RuleName"}},
    "AWS/Lambda": {name: {"FunctionName"} for name in ("Errors", "Duration", "Throttles")},
    "AWS/States": {
        f"Executions{end}": {"StateMachineArn"}
        for end in ("Started", "Succeeded", "Failed", "TimedOut", "Aborted")
    },
}
# tests/unit/handlers/test_metrics.py holds the functions to these.
OWN = {
    "LinesAccepted", "LinesRefused", "RefusedLines", "FileAge", "ReconciliationFindings",
    *(f"Files{outcome}" for outcome in get_args(outcomes.OutcomeName)),
}  # fmt: skip
OWN_DIMENSIONS = {"service": {"Ref": "Project"}, "stage": {"Ref": "Stage"}}


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = ALARMS[name]["Properties"]
    return found


def dimensions(name: str) -> dict[str, Any]:
    return {each["Name"]: each["Value"] for each in properties(name)["Dimensions"]}


def widgets() -> list[dict[str, Any]]:
    (dashboard,) = resources("AWS::CloudWatch::Dashboard").values()
    body = re.sub(r"\$\{[^}]+\}", "x", dashboard["Properties"]["DashboardBody"]["Fn::Sub"])
    found: list[dict[str, Any]] = json.loads(body)["widgets"]
    return found


def shown() -> set[tuple[str, str]]:
    """The metrics on the dashboard as (namespace, name), its abbreviations written out."""
    found = set()
    for widget in widgets():
        before: list[Any] = []
        for metric in widget["properties"]["metrics"]:
            if isinstance(metric[0], dict):
                space, name = re.findall(r"'{([^,]+),[^}]+} (\w+) ", metric[0]["expression"])[0]
                before = [space, name]
            elif metric[0] == "...":
                pass  # as the one before, but for its last dimension
            else:
                before = [old if new == "." else new for old, new in zip(
                    before or metric, metric, strict=False)]  # fmt: skip
            found.add((before[0], before[1]))
    return found


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_every_alarm_watches_a_metric_that_somebody_writes(name: str) -> None:
    space, metric = properties(name)["Namespace"], properties(name)["MetricName"]

    if space == "OrderIntake":
        assert metric in OWN
        assert dimensions(name) == OWN_DIMENSIONS
    else:
        assert set(dimensions(name)) == GIVEN[space].get(metric), f"{space} has no {metric} by it"


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_every_alarm_rings_above_its_threshold_and_not_for_silence(name: str) -> None:
    assert properties(name)["ComparisonOperator"] == "GreaterThanThreshold"
    assert properties(name)["TreatMissingData"] == "notBreaching"
    assert properties(name)["EvaluationPeriods"] == 1
    thresholds = {"Errors": 2, "ApproximateAgeOfOldestMessage": 900}
    assert properties(name)["Threshold"] == thresholds.get(properties(name)["MetricName"], 0)
    gauge = properties(name)["MetricName"] in (
        "ApproximateNumberOfMessagesVisible",
        "ApproximateAgeOfOldestMessage",
        "ReconciliationFindings",
    )
    assert properties(name)["Statistic"] == ("Maximum" if gauge else "Sum")


def test_every_alarm_tells_the_operators_under_the_stages_name() -> None:
    for name in ALARMS:
        reported = properties(name).get("AlarmActions")
        assert reported == [{"Ref": "Operators"}], f"{name} rings where no operator hears it"
        # The data key lets alarms of this name publish to the encrypted topic.
        assert properties(name)["AlarmName"]["Fn::Sub"].startswith("${Project}-${Stage}-")


def test_every_queue_has_an_alarm() -> None:
    watched = [
        str(dimensions(name)) for name in ALARMS if properties(name)["Namespace"] == "AWS/SQS"
    ]
    queues = [*resources("AWS::SQS::Queue"), "orders-dlq"]

    for queue in queues:
        assert sum(queue in one for one in watched) == 1


@pytest.mark.parametrize("metric", ["FilesFailed", "ReconciliationFindings"])
def test_a_failed_file_and_one_without_an_outcome_ring(metric: str) -> None:
    assert [name for name in ALARMS if properties(name)["MetricName"] == metric]


def test_a_broken_execution_rings_by_the_rule_that_takes_it() -> None:
    (alarm,) = [name for name in ALARMS if properties(name)["Namespace"] == "AWS/Events"]
    rule = resources()["WorkflowBroke"]["Properties"]

    assert dimensions(alarm) == {"RuleName": {"Ref": "WorkflowBroke"}}
    # Each target is an invocation: of one event it counts as many.
    assert [target["Arn"] for target in rule["Targets"]] == [{"Ref": "Operators"}]
    ends = rule["EventPattern"].get("detail", {}).get("$or", [])
    assert {each for end in ends for each in end["status"]} == {"FAILED", "TIMED_OUT", "ABORTED"}


def test_a_partners_fault_rings_for_no_one() -> None:
    assert "ExecutionsFailed" not in {properties(name)["MetricName"] for name in ALARMS}
    ends = resources()["WorkflowBroke"]["Properties"]["EventPattern"].get("detail", {}).get("$or")
    assert ends, "WorkflowBroke takes every event of every execution"
    failed = [one.get("error") for one in ends if one["status"] == ["FAILED"]]
    by_design = {"anything-but": ["OrderFileRejected", "OrderFileDeclined"]}
    assert failed
    for error in failed:
        assert error in ([by_design], [{"exists": False}]), "it rings for rejected files, too"


def test_the_dashboard_shows_every_metric_of_ours_and_none_that_nobody_writes() -> None:
    given = {(space, name) for space, names in GIVEN.items() for name in names}

    assert {name for space, name in shown() if space == "OrderIntake"} == OWN
    assert {one for one in shown() if one[0] != "OrderIntake"} <= given


def test_every_search_of_the_dashboard_names_a_statistic() -> None:
    searches = [
        metric[0]["expression"]
        for widget in widgets()
        for metric in widget["properties"]["metrics"]
        if isinstance(metric[0], dict)
    ]
    assert searches
    for search in searches:
        assert re.fullmatch(r"SEARCH\('[^']+', '(Sum|Average|Maximum|Minimum|p\d+)'\)", search), (
            f"{search}: say which statistic, as in SEARCH('…', 'Sum')"
        )


def test_the_dashboard_shows_what_the_alarms_are_about() -> None:
    watched = {
        (properties(name)["Namespace"], properties(name)["MetricName"])
        for name in ALARMS
        if properties(name)["Namespace"] != "AWS/Events"  # it is about the executions' ends
    }

    assert watched <= shown()
    assert {
        ("AWS/States", f"Executions{end}") for end in ("Failed", "TimedOut", "Aborted")
    } <= shown()


def test_no_two_widgets_of_the_dashboard_overlap() -> None:
    taken = [
        (x, y)
        for one in widgets()
        for x in range(one["x"], one["x"] + one["width"])
        for y in range(one["y"], one["y"] + one["height"])
    ]

    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
