"""Somebody hears of it when a function fails, or when a queue of dead letters fills."""

from typing import Any

import pytest

from workbench.deployment import outline
from workbench.testing.contract.deployed import FUNCTION, of_type, template

ALARMS = of_type("AWS::CloudWatch::Alarm")


def watched(space: str, metric: str, dimension: str) -> set[Any]:
    """The values of a dimension that alarms watch a metric by."""
    return {
        each["Value"]
        for alarm in ALARMS.values()
        if (alarm.get("Namespace"), alarm.get("MetricName")) == (space, metric)
        for each in alarm.get("Dimensions", [])
        if each["Name"] == dimension
    }


def name_of(logical_id: str, key: str) -> str:
    """What AWS calls a resource."""
    return str(template().resources[logical_id]["Properties"].get(key, logical_id))


@pytest.mark.parametrize("name", sorted(of_type(FUNCTION)))
def test_a_function_has_an_alarm_on_its_errors(name: str) -> None:
    rings = name_of(name, "FunctionName") in watched("AWS/Lambda", "Errors", "FunctionName")
    assert rings, (
        f"template.yaml: nobody hears when {name} fails; add an AWS::CloudWatch::Alarm on "
        "AWS/Lambda Errors with its FunctionName"
    )


@pytest.mark.parametrize("name", sorted(outline.dead_letter_queues()))
def test_a_dead_letter_queue_has_an_alarm(name: str) -> None:
    metric = "ApproximateNumberOfMessagesVisible"
    rings = name_of(name, "QueueName") in watched("AWS/SQS", metric, "QueueName")
    assert rings, (
        f"template.yaml: nobody hears of what lies in {name}; add an AWS::CloudWatch::Alarm on "
        f"AWS/SQS {metric} with its QueueName"
    )


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_has_somebody_who_hears_it(name: str) -> None:
    heard = ALARMS[name].get("AlarmActions")
    assert heard, f"template.yaml: nobody hears the alarm {name}; give it AlarmActions"
