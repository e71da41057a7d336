"""What rings, and what must not."""

from typing import Any

from tests.template import functions, resources

ALARMS = resources("AWS::CloudWatch::Alarm")


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = ALARMS[name]["Properties"]
    return found


def test_every_function_has_an_alarm_on_its_errors() -> None:
    watched = {
        body["Properties"]["Dimensions"][0]["Value"]["Ref"]
        for body in ALARMS.values()
        if body["Properties"]["MetricName"] == "Errors"
    }

    assert watched == set(functions())


def test_every_alarm_tells_the_operators_under_the_stages_name() -> None:
    for name in ALARMS:
        told = properties(name).get("AlarmActions")
        assert told == [{"Ref": "Operators"}], f"{name} rings where no operator hears it"
        # The data key lets alarms of this name publish to the encrypted topic.
        assert properties(name)["AlarmName"]["Fn::Sub"].startswith("order-intake-${Stage}-")


def test_every_dead_letter_queue_has_an_alarm() -> None:
    watched = [
        str(body["Properties"]["Dimensions"])
        for body in ALARMS.values()
        if body["Properties"]["Namespace"] == "AWS/SQS"
    ]
    queues = [*resources("AWS::SQS::Queue"), "orders-dlq"]

    for queue in queues:
        assert sum(queue in one for one in watched) == 1


def test_a_partners_fault_rings_for_no_one() -> None:
    assert "ExecutionsFailed" not in {body["Properties"]["MetricName"] for body in ALARMS.values()}
    ends = resources()["WorkflowBroke"]["Properties"]["EventPattern"].get("detail", {}).get("$or")
    assert ends, "WorkflowBroke takes every event of every execution"
    failed = [one.get("error") for one in ends if one["status"] == ["FAILED"]]
    by_design = {"anything-but": ["OrderFileRejected", "OrderFileDeclined"]}
    assert failed
    for error in failed:
        assert error in ([by_design], [{"exists": False}]), "it rings for rejected files, too"
