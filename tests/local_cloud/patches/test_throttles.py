"""What Lambda throttles waits, or fails under AWS's name, and aliases obey their function."""

import json
import time
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.local_cloud.emulator import Emulator, call
from workbench.stages.waiting import wait_until

RUNS = """
import time
def handler(event, context):
    time.sleep(0.3)
    print("ran", event)
"""
FAILS = """
def handler(event, context):
    raise ValueError("failed on purpose")
"""


def impatient(cloud: Emulator) -> Any:
    """A Lambda client that tries once and does not check values before it asks."""
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    return cloud.client_as("lambda", config)


def alias(cloud: Emulator, function: str) -> str:
    """Gives a function the alias `live` of its first version; the alias's ARN."""
    client = cloud.client("lambda")
    version = client.publish_version(FunctionName=function)["Version"]
    made = client.create_alias(FunctionName=function, Name="live", FunctionVersion=version)
    return str(made["AliasArn"])


@pytest.mark.patch(name="throttled_tasks")
def test_throttled_task_fails_under_the_name_that_retriers_know(cloud: Emulator) -> None:
    function = cloud.function(RUNS)
    client = cloud.client("lambda")
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    catch = {
        "ErrorEquals": ["Lambda.TooManyRequestsException"],
        "Output": "throttled",
        "Next": "Done",
    }

    ended = cloud.run(
        {"Call": call(function, {}, Catch=[catch], End=True), "Done": {"Type": "Succeed"}}
    )

    assert ended["output"] == "throttled"


@pytest.mark.patch(name="throttled_events_wait")
def test_throttled_events_wait_for_room_and_keep_their_retries(cloud: Emulator) -> None:
    function, client = cloud.function(RUNS), cloud.client("lambda")
    url, arn = cloud.queue()
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=1)
    client.put_function_event_invoke_config(
        FunctionName=function,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )

    for number in range(4):
        client.invoke(FunctionName=function, InvocationType="Event", Payload=str(number))

    wait_until(lambda: len(cloud.log(function)) == 4, "all four events ran")
    assert "Messages" not in cloud.client("sqs").receive_message(QueueUrl=url)


@pytest.mark.patch(name="throttled_events_wait")
def test_throttled_event_is_given_up_at_its_greatest_age(cloud: Emulator) -> None:
    function, client = cloud.function(RUNS), impatient(cloud)
    url, arn = cloud.queue()
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    client.put_function_event_invoke_config(
        FunctionName=function,
        MaximumRetryAttempts=0,
        MaximumEventAgeInSeconds=1,  # AWS takes 60 or more
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    begun = time.monotonic()

    client.invoke(FunctionName=function, InvocationType="Event", Payload='"late"')

    assert json.loads(cloud.message(url)["Body"])["requestPayload"] == "late"
    assert time.monotonic() - begun >= 1


@pytest.mark.patch(name="concurrency_of_aliases")
def test_reserved_concurrency_holds_for_an_alias(cloud: Emulator) -> None:
    function, client = cloud.function(RUNS), impatient(cloud)
    live = alias(cloud, function)
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)

    with pytest.raises(ClientError, match="TooManyRequestsException"):
        client.invoke(FunctionName=live)


@pytest.mark.patch(name="settings_of_aliases")
@pytest.mark.parametrize("by", ["invoke", "rule"])
def test_settings_of_an_alias_hold_when_it_is_called(cloud: Emulator, by: str) -> None:
    function, client = cloud.function(FAILS), cloud.client("lambda")
    live = alias(cloud, function)
    url, arn = cloud.queue()
    client.put_function_event_invoke_config(
        FunctionName=function,
        Qualifier="live",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )

    if by == "invoke":
        client.invoke(FunctionName=live, InvocationType="Event", Payload='"asked"')
    else:
        events = cloud.client("events")
        cloud.let_rules_call(function, Qualifier="live")
        events.put_rule(Name=function, EventPattern=json.dumps({"source": [function]}))
        target = {"Id": "function", "Arn": live, "Input": '"asked"'}
        events.put_targets(Rule=function, Targets=[target])
        events.put_events(Entries=[{"Source": function, "DetailType": "Test", "Detail": "{}"}])

    assert json.loads(cloud.message(url)["Body"])["requestPayload"] == "asked"
    assert len([line for line in cloud.log(function) if line.startswith("[ERROR]")]) == 1
