"""What can be made to go wrong on the local stage, on an emulator of the tests' own."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.local_cloud.emulator import Emulator
from workbench.local_cloud.emulator import faults
from workbench.stages.waiting import wait_until

type Switch = Callable[..., Any]

SLOW = """
import time
def handler(event, context):
    print("begun")
    time.sleep(15)
"""
WAITS = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
    "TimeoutSeconds": 600,
    "Catch": [{"ErrorEquals": ["States.Timeout"], "Output": "nobody", "Next": "Done"}],
    "End": True,
}


@pytest.fixture
def switch(cloud: Emulator) -> Iterator[Switch]:
    """The emulator's switch; nothing goes wrong any more afterwards."""
    yield lambda content=None: cloud.control(faults.FAULTS, content)
    cloud.control(faults.FAULTS, {"requests": [], "concurrency": 0})


def impatient(cloud: Emulator, service: str) -> Any:
    """A client that does not try again."""
    return cloud.client_as(service, Config(retries={"total_max_attempts": 1}))


@pytest.mark.patch(name="faults_on_demand")
def test_requests_are_throttled_as_often_as_asked(cloud: Emulator, switch: Switch) -> None:
    tables = impatient(cloud, "dynamodb")
    fault = {"service": "dynamodb", "request": "ListTables", "times": 2, "action": "throttle"}
    switch({"requests": [fault]})

    for _ in range(2):
        with pytest.raises(ClientError, match="ThrottlingException"):
            tables.list_tables()
    assert "TableNames" in tables.list_tables()
    assert switch()["requests"][0]["times"] == 0


@pytest.mark.patch(name="faults_on_demand")
def test_object_store_asks_to_slow_down(cloud: Emulator, switch: Switch) -> None:
    fault = {"service": "s3", "request": "GET /nobodys/*", "times": 1, "action": "throttle"}
    switch({"requests": [fault]})

    with pytest.raises(ClientError, match="SlowDown"):
        impatient(cloud, "s3").get_object(Bucket="nobodys", Key="thing")


@pytest.mark.patch(name="worker_deaths")
def test_killed_worker_fails_its_call_as_on_aws(cloud: Emulator, switch: Switch) -> None:
    function = cloud.function(SLOW)
    answers: list[Any] = []
    calling = threading.Thread(target=lambda: answers.append(cloud.invoke(function)))
    calling.start()

    def killed() -> bool:
        switch({"kill_workers": 1})
        return bool(answers)

    wait_until(killed, "the call has failed", 10)
    calling.join()
    assert answers[0]["errorType"] == "Runtime.ExitError"


def test_worker_is_killed_when_it_asks_for_something(cloud: Emulator, switch: Switch) -> None:
    function = cloud.function(
        "import boto3\n"
        "def handler(event, context):\n"
        "    boto3.client('sts').get_caller_identity()\n"
        "    return 'done'\n"
    )
    fault = {
        "service": "sts", "request": "POST /", "times": 1, "action": "kill", "function": function
    }  # fmt: skip
    switch({"requests": [fault]})

    assert cloud.invoke(function)["errorType"] == "Runtime.ExitError"
    assert cloud.invoke(function) == "done"


def test_time_for_an_answer_passes_when_asked(cloud: Emulator, switch: Switch) -> None:
    function = cloud.function("def handler(event, context):\n    print('asked')\n")
    token = {"token": "{% $states.context.Task.Token %}"}
    waits = WAITS | {"Arguments": {"FunctionName": function, "Payload": token}}
    machine = cloud.machine({"Wait": waits, "Done": {"Type": "Succeed"}})
    started = cloud.client("stepfunctions").start_execution(stateMachineArn=machine)
    execution = started["executionArn"]
    wait_until(lambda: "asked" in cloud.log(function), "the function was called")

    switch({"time_out": execution})

    assert cloud.ended(execution)["output"] == "nobody"


def test_concurrency_of_the_account_is_set_on_demand(cloud: Emulator, switch: Switch) -> None:
    function, slow = cloud.function("def handler(event, context): pass\n"), cloud.function(SLOW)
    client = impatient(cloud, "lambda")
    switch({"concurrency": 1})
    client.invoke(FunctionName=slow, InvocationType="Event")
    wait_until(lambda: throttled(client, function), "the one call that may run does")

    assert client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"] == 1
    assert throttled(client, function)

    switch({"concurrency": 0})
    assert not throttled(client, function)


def throttled(client: Any, function: str) -> bool:
    """Whether a call is refused for want of concurrency."""
    try:
        client.invoke(FunctionName=function)
    except client.exceptions.TooManyRequestsException:
        return True
    return False
