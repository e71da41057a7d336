"""Rules and schedules reach who lets them in; what cannot be delivered is in the queue for it."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.local_cloud.emulator import Emulator
from workbench.stages.stage import LOCAL_ACCOUNT, LOCAL_REGION
from workbench.stages.waiting import wait_until

FUNCTION = "def handler(event, context): print('called')\n"


def rule(cloud: Emulator, target: str, dead: str, **more: Any) -> str:
    """A rule with one target and a dead-letter queue, and one event for it; the rule's ARN."""
    events, name = cloud.client("events"), f"r-{uuid.uuid4().hex[:8]}"
    made = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    targets = [{"Id": "it", "Arn": target, "DeadLetterConfig": {"Arn": dead}, **more}]
    events.put_targets(Rule=name, Targets=targets)
    answer = events.put_events(Entries=[{"Source": name, "DetailType": "Told", "Detail": "{}"}])
    assert answer["FailedEntryCount"] == 0
    return str(made["RuleArn"])


def role(cloud: Emulator, service: str, *allowed: tuple[str, str]) -> str:
    """A role that a service may assume, allowed some actions on resources; its ARN."""
    client, name = cloud.client("iam"), f"role-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole",
             "Condition": {"StringEquals": {"aws:SourceAccount": LOCAL_ACCOUNT}}}  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = client.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    if allowed:
        statements = [
            {"Effect": "Allow", "Action": action, "Resource": resource}
            for action, resource in allowed
        ]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        client.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy)
    return str(made)


def function(cloud: Emulator) -> tuple[str, str]:
    """A function's name and ARN."""
    name = cloud.function(FUNCTION)
    return name, f"arn:aws:lambda:{LOCAL_REGION}:{LOCAL_ACCOUNT}:function:{name}"


def topic(cloud: Emulator) -> str:
    return str(cloud.client("sns").create_topic(Name=f"t-{uuid.uuid4().hex[:8]}")["TopicArn"])


def machine(cloud: Emulator) -> str:
    return cloud.machine({"Pass": {"Type": "Pass", "End": True}})


NOWHERE = f"arn:aws:lambda:{LOCAL_REGION}:{LOCAL_ACCOUNT}:function:no-such-function"
CLOSED: dict[str, tuple[Callable[[Emulator], str], str]] = {
    "function": (lambda cloud: function(cloud)[1], "NO_PERMISSIONS"),
    "queue": (lambda cloud: cloud.queue(open_to_rules=False)[1], "NO_PERMISSIONS"),
    "topic": (topic, "NO_PERMISSIONS"),
    "state machine": (machine, "FAILED_TO_ASSUME_ROLE"),
    "nothing": (lambda cloud: NOWHERE, "NO_RESOURCE"),
}


@pytest.mark.patch(name="targets_allow_deliveries")
@pytest.mark.parametrize("kind", CLOSED)
def test_event_for_who_lets_no_rule_in_is_a_dead_letter(cloud: Emulator, kind: str) -> None:
    make, code = CLOSED[kind]
    target, (url, dead) = make(cloud), cloud.queue()

    sender = rule(cloud, target, dead)

    message = cloud.message(url)
    reported = {name: text["StringValue"] for name, text in message["MessageAttributes"].items()}
    assert (reported["RULE_ARN"], reported["TARGET_ARN"]) == (sender, target)
    assert reported["ERROR_CODE"] == code
    assert reported["ERROR_MESSAGE"]
    assert json.loads(message["Body"])["detail-type"] == "Told"
    if kind == "function":
        assert not cloud.log(target.rpartition(":")[2])


@pytest.mark.patch(name="targets_allow_deliveries")
def test_function_is_called_by_the_rule_that_its_policy_names(cloud: Emulator) -> None:
    (name, arn), (url, dead) = function(cloud), cloud.queue()
    someone = f"arn:aws:events:{LOCAL_REGION}:{LOCAL_ACCOUNT}:rule/someone"
    cloud.let_rules_call(name, SourceArn=someone)
    rule(cloud, arn, dead)
    assert cloud.message(url)["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert not cloud.log(name)

    cloud.let_rules_call(name, SourceArn=someone.replace("someone", "r-*"))
    rule(cloud, arn, dead)

    wait_until(lambda: cloud.log(name), "the function is called")


@pytest.mark.patch(name="targets_allow_deliveries")
def test_state_machine_is_started_by_a_role_that_may(cloud: Emulator) -> None:
    arn, (url, dead) = machine(cloud), cloud.queue()
    states = cloud.client("stepfunctions")
    for powerless in (
        role(cloud, "events.amazonaws.com"),
        role(cloud, "lambda.amazonaws.com", ("states:*", "*")),
    ):
        rule(cloud, arn, dead, RoleArn=powerless)
        message = cloud.message(url)
        cloud.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert not states.list_executions(stateMachineArn=arn)["executions"]

    rule(cloud, arn, dead,
         RoleArn=role(cloud, "events.amazonaws.com", ("states:StartExecution", arn)))  # fmt: skip

    assert len(states.list_executions(stateMachineArn=arn)["executions"]) == 1


@pytest.mark.patch(name="targets_allow_deliveries")
def test_execution_that_cannot_be_started_is_a_dead_letter(cloud: Emulator) -> None:
    waits = cloud.machine({"Wait": {"Type": "Wait", "Seconds": 6000, "End": True}})
    states, (url, dead) = cloud.client("stepfunctions"), cloud.queue()
    execution = states.start_execution(stateMachineArn=waits)["executionArn"]
    states.delete_state_machine(stateMachineArn=waits)  # it takes no more
    mighty = role(cloud, "events.amazonaws.com", ("states:*", "*"))

    rule(cloud, waits, dead, RoleArn=mighty)

    states.stop_execution(executionArn=execution)
    code = cloud.message(url)["MessageAttributes"]["ERROR_CODE"]["StringValue"]
    assert code == "ERROR_FROM_TARGET"


@pytest.mark.patch(name="targets_allow_deliveries")
def test_dead_letter_queue_that_lets_no_rule_in_stays_empty(cloud: Emulator) -> None:
    (closed, dead), (opened, other) = cloud.queue(open_to_rules=False), cloud.queue()

    rule(cloud, NOWHERE, dead)
    rule(cloud, NOWHERE, other)

    cloud.message(opened)
    assert "Messages" not in cloud.client("sqs").receive_message(QueueUrl=closed)


def schedule(cloud: Emulator, target: str, dead: str, executor: str) -> str:
    """A schedule that is due now; its ARN."""
    name = f"s-{uuid.uuid4().hex[:8]}"
    due = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 1))
    made = cloud.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=f"at({due})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": target,
            "RoleArn": executor,
            "Input": '{"from": "schedule"}',
            "DeadLetterConfig": {"Arn": dead},
        },
    )
    return str(made["ScheduleArn"])


@pytest.mark.patch(name="targets_allow_deliveries")
def test_schedule_calls_by_its_role(cloud: Emulator) -> None:
    (name, arn), (url, dead) = function(cloud), cloud.queue(open_to_rules=False)
    cloud.let_rules_call(name)  # no schedule is a rule
    bury, call = ("sqs:SendMessage", dead), ("lambda:InvokeFunction", arn)

    refused = schedule(cloud, arn, dead, role(cloud, "scheduler.amazonaws.com", bury))

    message = wait_until(lambda: cloud.message(url), "the dead letter", 30)
    reported = {key: text["StringValue"] for key, text in message["MessageAttributes"].items()}
    assert (reported["SCHEDULE_ARN"], reported["TARGET_ARN"]) == (refused, arn)
    assert reported["ERROR_CODE"] == "NO_PERMISSIONS"
    assert json.loads(message["Body"]) == {"from": "schedule"}
    assert not cloud.log(name)

    schedule(cloud, arn, dead, role(cloud, "scheduler.amazonaws.com", call))

    wait_until(lambda: cloud.log(name), "the function is called", 30)
