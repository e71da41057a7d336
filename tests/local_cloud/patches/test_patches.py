"""Each patch of the local cloud makes a difference that this project needs.

With PATCHES_LEFT_OUT=all every test here fails. The mark `patch` names the one that a test is for:
`make try-pins` runs it with and without.
"""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from tests.local_cloud.emulator import ROLE, Emulator, States, call, left_out
from workbench.local_cloud.emulator import ministack
from workbench.local_cloud.emulator.patches import PATCHES
from workbench.permissions.asked import DECISIONS
from workbench.stages.stage import LOCAL_ACCOUNT, LOCAL_REGION, MODULES, ROOT
from workbench.stages.waiting import wait_until

RAISES = """
calls = 0
class RatesUnavailable(Exception): pass
def handler(event, context):
    global calls
    calls += 1
    if event and event.get("fail"):
        raise RatesUnavailable(event["fail"])
    return calls
"""


ENVIRONMENT = os.environ | {"PYTHONPATH": MODULES}


@pytest.mark.patch(name="exception_names")
def test_exception_is_reported_by_its_class_and_its_worker_lives_on(cloud: Emulator) -> None:
    function = cloud.function(RAISES)

    error = cloud.invoke(function, {"fail": "no rates today"})

    assert error["errorType"] == "RatesUnavailable"
    assert error["errorMessage"] == "no rates today"
    assert 'raise RatesUnavailable(event["fail"])' in "".join(error["stackTrace"])
    assert cloud.invoke(function) == 2
    assert any("RatesUnavailable: no rates today" in line for line in cloud.log(function))


@pytest.mark.patch(name="exception_names")
def test_exception_is_caught_by_its_class(cloud: Emulator) -> None:
    function = cloud.function(RAISES)
    catch = {"ErrorEquals": ["RatesUnavailable"], "Output": "caught", "Next": "Done"}

    ended = cloud.run(
        {
            "Call": call(function, {"fail": "no"}, Catch=[catch], End=True),
            "Done": {"Type": "Succeed"},
        }
    )

    assert ended["output"] == "caught"


@pytest.mark.patch(name="request_id_of_retries")
def test_attempts_of_one_asynchronous_invocation_have_one_request_id(cloud: Emulator) -> None:
    function = cloud.function(
        "def handler(event, context):\n"
        "    print('attempt', context.aws_request_id)\n"
        "    raise ValueError\n"
    )
    client = cloud.client("lambda")
    client.put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=1)

    client.invoke(FunctionName=function, InvocationType="Event", Payload=b"{}")

    def attempts() -> list[str]:
        found = [line for line in cloud.log(function) if line.startswith("attempt")]
        return found if len(found) == 2 else []

    first, second = wait_until(attempts, "the second attempt")
    assert first == second


@pytest.mark.patch(name="exact_logs")
def test_quiet_call_does_not_wait_for_log_lines(cloud: Emulator) -> None:
    machine = {"Call": call(cloud.function(RAISES), {}, End=True)}
    runs = [cloud.run(machine) for _ in range(4)]

    durations = [(run["stopDate"] - run["startDate"]).total_seconds() for run in runs]

    assert min(durations) < 0.045


@pytest.mark.patch(name="exact_logs")
def test_log_has_every_line_of_its_invocation(cloud: Emulator) -> None:
    function = cloud.function(
        "import os, time\n"
        "def handler(event, context):\n"
        "    print('first', flush=True)\n"
        "    time.sleep(0.05)\n"
        "    for number in range(2000): print('line', number)\n"
        "    print('last')\n"
    )

    cloud.invoke(function)

    text = "\n".join(cloud.log(function))
    assert text.startswith("first")
    assert text.count("line ") == 2000
    assert text.endswith("last")


@pytest.mark.patch(name="runtime_environment")
def test_function_does_not_see_the_emulators_packages(cloud: Emulator) -> None:
    error = cloud.invoke(cloud.function("import yaml\ndef handler(event, context): pass\n"))

    assert error["errorType"] == "Runtime.ImportModuleError"
    assert "yaml" in error["errorMessage"]


@pytest.mark.patch(name="runtime_environment")
def test_function_sees_the_runtimes_packages_and_variables_only(cloud: Emulator) -> None:
    seen = cloud.invoke(
        cloud.function(
            "import boto3, os\n"
            "def handler(event, context):\n"
            "    return {'boto3': boto3.__version__, 'names': list(os.environ)}\n"
        )
    )

    assert seen["boto3"]
    assert "AWS_EXECUTION_ENV" in seen["names"]
    assert not set(seen["names"]) & set(ministack.settings(1, Path()))


@pytest.mark.patch(name="shared_code")
def test_package_is_unpacked_once(cloud: Emulator) -> None:
    source = (
        "import os\ndef handler(event, context): return os.path.realpath(__file__)\n"
        f"# {uuid.uuid4()}\n"
    )

    first, second = (cloud.invoke(cloud.function(source)) for _ in range(2))

    assert first == second


@pytest.mark.patch(name="forked_workers")
@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_later_workers_of_a_package_are_forked_and_like_the_first(cloud: Emulator) -> None:
    source = (
        "import boto3, importlib.util, os, sys\n"
        "def handler(event, context):\n"
        "    return {'parent': os.getppid(), 'names': sorted(os.environ), 'path': len(sys.path),\n"
        "            'function': os.environ['AWS_LAMBDA_FUNCTION_NAME'],\n"
        "            'yaml': bool(importlib.util.find_spec('yaml')),\n"
        "            'identity': boto3.client('sts').get_caller_identity()['Arn']}\n"
        f"# {uuid.uuid4()}\n"
    )
    names = [cloud.function(source) for _ in range(3)]

    first, second, third = (cloud.invoke(name) for name in names)

    assert first["parent"] != second["parent"]
    assert second["parent"] == third["parent"]
    assert [first["function"], second["function"], third["function"]] == names
    assert third["identity"].endswith(f"/{names[2]}")
    for same in ("names", "path", "yaml"):
        assert first[same] == third[same]
    assert not third["yaml"]


@pytest.mark.patch(name="few_at_once")
def test_few_functions_run_at_once(cloud: Emulator) -> None:
    slow = cloud.function(
        "import os, time\n"
        "def handler(event, context):\n"
        "    time.sleep(0.2)\n"
        "    return os.getpid()\n"
    )
    many = max(4, 2 * (os.cpu_count() or 1)) + 4

    ended = cloud.run(
        {
            "Each": {
                "Type": "Map",
                "Items": f"{{% [1..{many}] %}}",
                "ItemProcessor": {
                    "StartAt": "Call",
                    "States": {"Call": call(slow, {}, End=True)},
                },
                "End": True,
            }
        }
    )

    assert len(ended["output"]) == many
    assert len(set(ended["output"])) <= many - 4


@pytest.mark.patch(name="idle_workers_end")
def test_idle_workers_end() -> None:
    # MiniStack looks for idle workers every 30 s, so its part for that is called by itself.
    script = (
        "import sys\n"
        "from workbench.local_cloud.emulator.patches import targets\n"
        "from workbench.local_cloud.emulator.patches.functions import lambda_workers\n"
        "if 'patched' in sys.argv: lambda_workers.idle_workers_end()\n"
        "runtime = targets.module('core.lambda_runtime')\n"
        "config = {'Runtime': 'python3.13',"
        " 'FunctionArn': 'arn:aws:lambda:eu-central-1:000000000000:function:f'}\n"
        "worker, _ = runtime.acquire_worker('f', config, b'')\n"
        "print(runtime.reap_idle_workers(-1))\n"
        "runtime.release_worker(worker)\n"
        "print(runtime.reap_idle_workers(-1))\n"
    )

    def reaped(*arguments: str) -> list[str]:
        command = [ministack.cloud_python(), "-c", script, *arguments]
        answer = subprocess.run(
            command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=True
        )
        return answer.stdout.split()

    assert (reaped() if "idle_workers_end" in left_out() else reaped("patched")) == ["0", "1"]


@pytest.mark.patch(name="no_start_delay")
def test_execution_starts_at_once(cloud: Emulator) -> None:
    ended = cloud.run({"Pass": {"Type": "Pass", "End": True}})

    assert (ended["stopDate"] - ended["startDate"]).total_seconds() < 0.1


@pytest.mark.patch(name="branch_history")
def test_history_has_the_states_of_branches(cloud: Emulator) -> None:
    branches = [
        {"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}} for name in ("A", "B")
    ]

    history = cloud.run({"Both": {"Type": "Parallel", "Branches": branches, "End": True}})[
        "history"
    ]

    entered = [
        event["stateEnteredEventDetails"]["name"]
        for event in history
        if "stateEnteredEventDetails" in event
    ]
    assert entered[0] == "Both"
    assert sorted(entered[1:]) == ["A", "B"]
    assert len({event["id"] for event in history}) == len(history)


@pytest.mark.patch(name="stopped_executions_end")
def test_stopped_execution_does_nothing_more(cloud: Emulator, tmp_path: Path) -> None:
    function = cloud.function(
        "import pathlib, time\n"
        "def handler(event, context):\n"
        "    called, answer = (pathlib.Path(event[name]) for name in ('called', 'answer'))\n"
        "    called.touch()\n"
        "    while not answer.exists():\n"
        "        time.sleep(0.02)\n"
    )
    client, called, answer = cloud.client("stepfunctions"), tmp_path / "called", tmp_path / "answer"
    task = call(function, {"called": str(called), "answer": str(answer)}, Next="Later")
    machine = cloud.machine({"Call": task, "Later": {"Type": "Pass", "End": True}})
    arn = client.start_execution(stateMachineArn=machine)["executionArn"]
    wait_until(called.exists, "the call")

    client.stop_execution(executionArn=arn)
    called.unlink()
    answer.touch()
    cloud.run({"Call": task, "Later": {"Type": "Pass", "End": True}})  # time enough to go on

    assert client.describe_execution(executionArn=arn)["status"] == "ABORTED"
    kinds = [event["type"] for event in client.get_execution_history(executionArn=arn)["events"]]
    assert kinds[-1] == "ExecutionAborted"


@pytest.mark.patch(name="retry_delays")
def test_retry_keeps_to_its_longest_delay(cloud: Emulator) -> None:
    retry = {
        "ErrorEquals": ["RatesUnavailable"],
        "IntervalSeconds": 2,
        "BackoffRate": 10,
        "MaxAttempts": 3,
        "MaxDelaySeconds": 2,
        "JitterStrategy": "FULL",
    }

    ended = cloud.run({"Call": call(cloud.function(RAISES), {"fail": "no"}, Retry=[retry])})

    assert ended["error"] == "RatesUnavailable"
    failures = [event["timestamp"] for event in ended["history"] if event["type"] == "TaskFailed"]
    assert len(failures) == 4
    # 3 delays of at most 2 s, scaled; without the limit 2 + 20 + 60 s, scaled.
    assert (failures[-1] - failures[0]).total_seconds() < 82 * ministack.WAIT_SCALE / 2


def waiting_task(function: str, **more: Any) -> States:
    """A Task that waits for its token, which its function gets."""
    token = {
        "fail": "{% $states.context.Task.Token %}",
        "token": "{% $states.context.Task.Token %}",
    }
    return call(function, token, End=True, Output="{% $states.result %}", **more) | {
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken"
    }


@pytest.mark.patch(name="token_tasks")
def test_token_task_fails_with_its_function_and_draws_new_tokens(cloud: Emulator) -> None:
    retry = {"ErrorEquals": ["RatesUnavailable"], "MaxAttempts": 1}

    ended = cloud.run(
        {"Ask": waiting_task(cloud.function(RAISES), Retry=[retry], TimeoutSeconds=5)}
    )

    assert ended["error"] == "RatesUnavailable"
    tokens = [
        json.loads(event["taskFailedEventDetails"]["cause"])["errorMessage"]
        for event in ended["history"]
        if event["type"] == "TaskFailed"
    ]
    assert len(set(tokens)) == 2


@pytest.mark.patch(name="token_tasks")
def test_token_task_goes_on_with_the_answer(cloud: Emulator) -> None:
    quiet = "def handler(event, context): print('token', event['token'])\n"
    function = cloud.function(quiet)
    client = cloud.client("stepfunctions")
    machine = cloud.machine({"Ask": waiting_task(function, TimeoutSeconds="{% 10 + 10 %}")})
    execution = client.start_execution(stateMachineArn=machine)["executionArn"]

    token = wait_until(lambda: cloud.log(function), "the question")[0].split()[1]
    client.send_task_success(taskToken=token, output='{"decision": "approved"}')

    assert cloud.ended(execution)["output"] == {"decision": "approved"}


@pytest.mark.patch(name="tokens_belong_to_machines")
def test_token_may_be_answered_by_who_may_answer_its_machine(cloud: Emulator) -> None:
    asks = cloud.function("def handler(event, context): print('token', event['token'])\n")
    machine = cloud.machine({"Ask": waiting_task(asks, TimeoutSeconds=20)})
    answers = cloud.function(
        "import boto3\n"
        "def handler(event, context):\n"
        "    client = boto3.client('stepfunctions')\n"
        "    client.send_task_success(taskToken=event, output='1')\n"
    )
    allowed = {"Effect": "Allow", "Action": "states:SendTaskSuccess", "Resource": machine}
    cloud.client("iam").put_role_policy(
        RoleName=ROLE.rpartition("/")[2],
        PolicyName="answer",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )

    execution = cloud.client("stepfunctions").start_execution(stateMachineArn=machine)
    token = wait_until(lambda: cloud.log(asks), "the question")[0].split()[1]

    assert cloud.invoke(answers, token) is None
    assert cloud.ended(execution["executionArn"])["output"] == 1


@pytest.mark.patch(name="decisions_are_kept")
def test_what_iam_decided_is_kept(cloud: Emulator) -> None:
    function = cloud.function(
        "import boto3\n"
        "def handler(event, context):\n"
        "    try:\n"
        "        boto3.client('sns').list_topics()\n"
        "    except Exception as error:\n"
        "        return type(error).__name__\n"
    )

    assert cloud.invoke(function) == "AuthorizationErrorException"

    (asked,) = [each for each in cloud.control(DECISIONS) if each[0].endswith(function)]
    assert asked[1:] == ["sns:ListTopics", asked[2], "ImplicitDeny"]


@pytest.mark.patch(name="jsonata_timeouts")
def test_timeout_may_be_an_expression(cloud: Emulator) -> None:
    quiet = cloud.function("def handler(event, context): pass\n")
    catch = {"ErrorEquals": ["States.Timeout"], "Output": "nobody", "Next": "Done"}

    ended = cloud.run(
        {
            "Ask": waiting_task(quiet, TimeoutSeconds="{% 1 %}", Catch=[catch]),
            "Done": {"Type": "Succeed"},
        }
    )

    assert ended["output"] == "nobody"


@pytest.mark.patch(name="failed_entries")
def test_refused_event_fails_its_state(cloud: Emulator) -> None:
    entry = {"Source": "aws.s3", "DetailType": "Forged", "Detail": {}}
    send = {
        "Type": "Task",
        "Resource": "arn:aws:states:::events:putEvents",
        "Arguments": {"Entries": [entry]},
        "End": True,
    }

    assert cloud.run({"Send": send})["error"] == "EventBridge.FailedEntry"


@pytest.mark.patch(name="events_name_their_execution")
def test_event_of_an_execution_names_it(cloud: Emulator) -> None:
    queues, events = cloud.client("sqs"), cloud.client("events")
    name = f"q-{uuid.uuid4().hex[:8]}"
    queue, arn = cloud.queue(name)
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    entry = {"Source": name, "DetailType": "Told", "Detail": {}, "Resources": ["one"]}
    send = {
        "Type": "Task",
        "Resource": "arn:aws:states:::events:putEvents",
        "Arguments": {"Entries": [entry]},
        "End": True,
    }

    ended = cloud.run({"Send": send})

    def messages() -> Any:
        return queues.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages")

    reported = json.loads(wait_until(messages, "the event in the queue")[0]["Body"])
    assert reported["resources"] == ["one", ended["executionArn"], ended["stateMachineArn"]]


@pytest.mark.patch(name="jsonata_parallel")
def test_parallel_evaluates_its_fields_and_keeps_branches_apart(cloud: Emulator) -> None:
    def branch(name: str) -> States:
        own = {"Type": "Pass", "Assign": {"own": name}, "Next": f"{name}2"}
        back = {"Type": "Pass", "Output": "{% $own & $states.input.number %}", "End": True}
        return {"StartAt": name, "States": {name: own, f"{name}2": back}}

    ended = cloud.run(
        {
            "Both": {
                "Type": "Parallel",
                "Arguments": {"number": "{% $string($states.input.number + 1) %}"},
                "Branches": [branch("A"), branch("B")],
                "Assign": {"second": "{% $states.result[1] %}"},
                "Output": {"first": "{% $states.result[0] %}"},
                "Next": "After",
            },
            "After": {
                "Type": "Pass",
                "Output": "{% [$states.input.first, $second, $exists($own)] %}",
                "End": True,
            },
        },
        {"number": 1},
    )

    assert ended["output"] == ["A2", "B2", False]


@pytest.mark.patch(name="jsonata_distributed_map")
def test_distributed_map_evaluates_its_fields(cloud: Emulator, manifest: tuple[str, str]) -> None:
    bucket, key = manifest
    child = {
        "Type": "Pass",
        "Output": {
            "index": "{% $states.input.chunk.index %}",
            "rate": "{% $states.input.rate %}",
            "knows_parents_variables": "{% $exists($rate) %}",
            "input_of_execution": "{% $states.context.Execution.Input.chunk.index %}",
        },
        "End": True,
    }
    price = {
        "Type": "Map",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON"},
            "Arguments": {"Bucket": "{% $states.input.bucket %}", "Key": "{% $states.input.key %}"},
        },
        "ItemSelector": {"chunk": "{% $states.context.Map.Item.Value %}", "rate": "{% $rate %}"},
        "MaxConcurrency": "{% 1 + 1 %}",
        "ToleratedFailureCount": "{% 0 %}",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
            "StartAt": "Child",
            "States": {"Child": child},
        },
        "Assign": {"priced": "{% $count($states.result) %}"},
        "Output": "{% $states.result %}",
        "Next": "After",
    }

    ended = cloud.run(
        {
            "Rate": {"Type": "Pass", "Assign": {"rate": "0.86"}, "Next": "Price"},
            "Price": price,
            "After": {
                "Type": "Pass",
                "Output": {"count": "{% $priced %}", "all": "{% $states.input %}"},
                "End": True,
            },
        },
        {"bucket": bucket, "key": key},
    )

    assert ended["output"]["count"] == 5
    assert ended["output"]["all"] == [
        {
            "index": number,
            "rate": "0.86",
            "knows_parents_variables": False,
            "input_of_execution": number,
        }
        for number in range(5)
    ]


@pytest.mark.patch(name="jsonata_distributed_map")
def test_distributed_map_takes_items_from_an_expression(cloud: Emulator) -> None:
    ended = cloud.run(
        {
            "Each": {
                "Type": "Map",
                "Items": "{% [1..3] %}",
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
                    "StartAt": "Double",
                    "States": {
                        "Double": {
                            "Type": "Pass",
                            "Output": "{% $states.input * 2 %}",
                            "End": True,
                        }
                    },
                },
                "End": True,
            }
        }
    )

    assert ended["output"] == [2, 4, 6]


@pytest.mark.patch(name="jsonata_outputs")
def test_succeed_and_default_have_outputs(cloud: Emulator) -> None:
    choice = {"Condition": "{% $states.input.number > 5 %}", "Next": "Big"}

    ended = cloud.run(
        {
            "HowBig": {
                "Type": "Choice",
                "Choices": [choice],
                "Default": "Small",
                "Output": {"doubled": "{% $states.input.number * 2 %}"},
            },
            "Big": {"Type": "Fail"},
            "Small": {"Type": "Succeed", "Output": "{% $states.input.doubled + 1 %}"},
        },
        {"number": 4},
    )

    assert ended["output"] == 9


@pytest.mark.patch(name="jsonata_test_state")
def test_single_state_evaluates_its_fields(cloud: Emulator) -> None:
    client = cloud.client_as("stepfunctions", Config(inject_host_prefix=False))
    catch = {"ErrorEquals": ["States.ALL"], "Assign": {"seen": "{% $given %}"}, "Next": "Other"}
    retry = {"ErrorEquals": ["Busy"], "IntervalSeconds": 2, "MaxAttempts": 1}
    state = call("f", "{% $given %}", Retry=[retry], Catch=[catch], Next="Other")
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "Call",
        "States": {"Call": state, "Other": {"Type": "Succeed"}},
    }

    def test(tried: int, **mock: Any) -> Any:
        return client.test_state(
            definition=json.dumps(definition),
            variables=json.dumps({"given": 7}),
            mock=mock,
            stateConfiguration={"retrierRetryCount": tried},
            inspectionLevel="DEBUG",
        )

    went = test(0, result=json.dumps({"Payload": 3}))
    assert (went["output"], went["nextState"]) == ("3", "Other")
    assert json.loads(went["inspectionData"]["afterArguments"])["Payload"] == 7
    assert test(0, errorOutput={"error": "Busy"})["status"] == "RETRIABLE"
    caught = test(1, errorOutput={"error": "Busy"})
    assert caught["status"] == "CAUGHT_ERROR"
    assert json.loads(caught["inspectionData"]["variables"]) == {"given": 7, "seen": 7}


@pytest.mark.patch(name="writes_one_by_one")
def test_writes_at_the_same_time_all_count(cloud: Emulator) -> None:
    client, table = cloud.client("dynamodb"), f"t-{uuid.uuid4().hex[:8]}"
    client.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    # Large, so that a write takes long enough to meet another.
    large = {"L": [{"S": "much"}] * 10_000}
    client.put_item(TableName=table, Item={"pk": {"S": "a"}, "n": {"N": "0"}, "large": large})
    add = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:updateItem",
        "Arguments": {
            "TableName": table,
            "Key": {"pk": {"S": "a"}},
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        },
        "End": True,
    }

    cloud.run(
        {
            "Each": {
                "Type": "Map",
                "Items": "{% [1..20] %}",
                "ItemProcessor": {"StartAt": "Add", "States": {"Add": add}},
                "End": True,
            }
        }
    )

    item = client.get_item(TableName=table, Key={"pk": {"S": "a"}}, ProjectionExpression="n")
    assert item["Item"]["n"]["N"] == "20"
    client.delete_table(TableName=table)


@pytest.mark.patch(name="version_ids")
def test_event_of_a_versioned_bucket_names_the_version(cloud: Emulator) -> None:
    name = f"v-{uuid.uuid4().hex[:8]}"
    objects, queues, events = (cloud.client(service) for service in ("s3", "sqs", "events"))
    objects.create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": LOCAL_REGION}
    )
    objects.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    objects.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    queue, arn = cloud.queue(name)
    events.put_rule(
        Name=name,
        EventPattern=json.dumps({"source": ["aws.s3"], "detail": {"bucket": {"name": [name]}}}),
    )
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])

    version = objects.put_object(Bucket=name, Key="a.csv", Body=b"a")["VersionId"]

    def messages() -> Any:
        return queues.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages")

    event = json.loads(wait_until(messages, "the event")[0]["Body"])
    assert event["detail"]["object"]["version-id"] == version
    assert version != "null"


@pytest.mark.patch(name="rules_invoke_asynchronously")
def test_rule_tries_its_function_again_and_then_hands_the_event_on(cloud: Emulator) -> None:
    function, name = cloud.function(RAISES), f"r-{uuid.uuid4().hex[:8]}"
    queue = cloud.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    functions, events = cloud.client("lambda"), cloud.client("events")
    functions.put_function_event_invoke_config(
        FunctionName=function,
        MaximumRetryAttempts=1,
        DestinationConfig={
            "OnFailure": {"Destination": f"arn:aws:sqs:{LOCAL_REGION}:{LOCAL_ACCOUNT}:{name}"}
        },
    )
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    cloud.let_rules_call(function)
    arn = functions.get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    transformed = {"InputTemplate": '{"fail": "no"}'}
    events.put_targets(
        Rule=name, Targets=[{"Id": "function", "Arn": arn, "InputTransformer": transformed}]
    )

    events.put_events(Entries=[{"Source": name, "DetailType": "Test", "Detail": "{}"}])

    def messages() -> Any:
        client = cloud.client("sqs")
        return client.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages")

    failed = json.loads(wait_until(messages, "the event in the queue")[0]["Body"])
    assert failed["requestPayload"] == {"fail": "no"}
    assert failed["responsePayload"]["errorType"] == "RatesUnavailable"
    assert len([line for line in cloud.log(function) if line.startswith("[ERROR]")]) == 2


@pytest.mark.patch(name="ranges_of_versions")
def test_range_of_a_version_is_a_range(cloud: Emulator, manifest: tuple[str, str]) -> None:
    bucket, key = manifest
    client = cloud.client("s3")
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = client.put_object(Bucket=bucket, Key=key, Body=b"0123456789")["VersionId"]

    answer = client.get_object(Bucket=bucket, Key=key, VersionId=version, Range="bytes=2-4")

    assert answer["Body"].read() == b"234"
    assert answer["ContentRange"] == "bytes 2-4/10"
    with pytest.raises(client.exceptions.ClientError, match="InvalidRange"):
        client.get_object(Bucket=bucket, Key=key, VersionId=version, Range="bytes=20-24")


@pytest.mark.patch(name="names_of_versions")
def test_listing_of_versions_survives_control_characters(
    cloud: Emulator, manifest: tuple[str, str]
) -> None:
    bucket, _ = manifest
    client = cloud.client("s3")
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    names = [
        f"named/{name}" for name in ("\n", "\r", "\t", "\x01", "\x1b[31m", "%41", "a b+ü", "ÿ")
    ]
    for name in names:
        client.put_object(Bucket=bucket, Key=name, Body=b"x")
    client.delete_object(Bucket=bucket, Key=names[4])

    pages = client.get_paginator("list_object_versions")
    found = list(pages.paginate(Bucket=bucket, Prefix="named/", PaginationConfig={"PageSize": 2}))

    listed = [one["Key"] for page in found for one in page.get("Versions", [])]
    assert sorted(listed) == sorted(names)
    assert [one["Key"] for page in found for one in page.get("DeleteMarkers", [])] == [names[4]]
    raw = client.list_object_versions(Bucket=bucket, Prefix="named/a", EncodingType="url")
    assert raw["Versions"][0]["Key"] == "named/a%20b%2B%C3%BC"


@pytest.mark.patch(name="wildcards_match_line_breaks")
def test_who_may_read_a_folder_may_read_any_name_in_it(
    cloud: Emulator, manifest: tuple[str, str]
) -> None:
    bucket, _ = manifest
    names = ["named/a", "named/\n", "named/a\nb.csv\n"]
    for name in names:
        cloud.client("s3").put_object(Bucket=bucket, Key=name, Body=b"x")
    reads = cloud.function(
        "import boto3\n"
        "def handler(event, context):\n"
        "    return len(boto3.client('s3').get_object(**event)['Body'].read())\n"
    )
    folder = f"arn:aws:s3:::{bucket}/named/*"
    allowed = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": folder}
    cloud.client("iam").put_role_policy(
        RoleName=ROLE.rpartition("/")[2],
        PolicyName="read",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )

    found = [cloud.invoke(reads, {"Bucket": bucket, "Key": name}) for name in names]

    assert found == [1, 1, 1]


@pytest.mark.patch(name="yaml_definitions")
def test_state_machine_may_be_defined_in_yaml(cloud: Emulator, manifest: tuple[str, str]) -> None:
    bucket, _ = manifest
    definition = (
        "QueryLanguage: JSONata # YAML may say why\n"
        "StartAt: Say\n"
        "States:\n"
        "  Say: {Type: Pass, Output: '{% ${Number} + 1 %}', End: true}\n"
    )
    cloud.client("s3").put_object(Bucket=bucket, Key="machine.yaml", Body=definition)
    name = f"y-{uuid.uuid4().hex[:8]}"
    properties = {
        "StateMachineName": name,
        "RoleArn": ROLE,
        "DefinitionS3Location": {"Bucket": bucket, "Key": "machine.yaml"},
        "DefinitionSubstitutions": {"Number": "41"},
    }
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    stacks, states = cloud.client("cloudformation"), cloud.client("stepfunctions")

    stacks.create_stack(
        StackName=name, TemplateBody=json.dumps({"Resources": {"Machine": machine}})
    )
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.2})
    arn = f"arn:aws:states:{LOCAL_REGION}:{LOCAL_ACCOUNT}:stateMachine:{name}"
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]

    assert cloud.ended(execution)["output"] == 42
    cloud.client("s3").delete_object(Bucket=bucket, Key="machine.yaml")


@pytest.mark.patch(name="loopback_counts_as_tls")
def test_bucket_that_refuses_plain_http_takes_objects(
    cloud: Emulator, manifest: tuple[str, str]
) -> None:
    bucket, _ = manifest
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    refusal = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": resources,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = {"Version": "2012-10-17", "Statement": [refusal]}
    function = cloud.function(
        "import boto3\n"
        "def handler(event, context):\n"
        "    boto3.client('s3').put_object(Bucket=event, Key='a', Body=b'a')\n"
        "    boto3.client('s3').delete_object(Bucket=event, Key='a')\n"
        "    return 'put'\n"
    )
    allowed = {"Effect": "Allow", "Action": "s3:*Object", "Resource": resources}
    cloud.client("iam").put_role_policy(
        RoleName=ROLE.rpartition("/")[2],
        PolicyName="put",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )

    cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))

    assert cloud.invoke(function, bucket) == "put"


@pytest.mark.patch(name="replays_keep_to_their_rules")
def test_replay_of_an_archive_keeps_to_the_rules_it_names(cloud: Emulator) -> None:
    events, queues = cloud.client("events"), cloud.client("sqs")
    bus = f"bus-{uuid.uuid4().hex[:8]}"
    bus_arn = events.create_event_bus(Name=bus)["EventBusArn"]
    archive = events.create_archive(ArchiveName=bus, EventSourceArn=bus_arn)["ArchiveArn"]
    urls, rules = [], []
    for name in ("chosen", "other"):
        url, arn = cloud.queue(f"{bus}-{name}")
        pattern = json.dumps({"source": ["tests"]})
        rules.append(events.put_rule(Name=name, EventBusName=bus, EventPattern=pattern)["RuleArn"])
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "q", "Arn": arn}])
        urls.append(url)
    entry = {"EventBusName": bus, "Source": "tests", "DetailType": "Told", "Detail": "{}"}
    events.put_events(Entries=[entry])

    events.start_replay(
        ReplayName=bus,
        EventSourceArn=archive,
        EventStartTime=0,
        EventEndTime=4102444800,
        Destination={"Arn": bus_arn, "FilterArns": rules[:1]},
    )

    def ended() -> bool:
        return bool(events.describe_replay(ReplayName=bus)["State"] == "COMPLETED")

    def count(url: str) -> int:
        name = "ApproximateNumberOfMessages"
        answer = queues.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        return int(answer["Attributes"][name])

    wait_until(ended, "the replay has ended")
    assert [count(url) for url in urls] == [2, 1]


def test_patches_are_for_the_pinned_version_only() -> None:
    script = (
        "import importlib.metadata as metadata\n"
        "metadata.version = lambda name: '1.5.34'\n"
        "import sys\n"
        "from workbench.local_cloud.emulator import launcher\n"
        "launcher.main()\n"
    )

    answer = subprocess.run(
        [ministack.cloud_python(), "-c", script],
        cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True,
    )  # fmt: skip

    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "1.5.34 is installed" in answer.stderr


def test_patches_have_names_of_their_functions() -> None:
    assert all(name == patch.__name__ for name, patch in PATCHES.items())
    assert all(patch.__doc__ for patch in PATCHES.values())


@pytest.mark.patch(name="numbers_beyond_the_range_match_nothing")
def test_numbers_beyond_the_range_match_nothing(cloud: Emulator) -> None:
    pattern = json.dumps({"detail": {"size": [{"numeric": [">=", 1]}]}})
    event = {"id": "1", "detail-type": "t", "source": "s", "account": LOCAL_ACCOUNT}
    event |= {"time": "2026-03-02T12:00:00Z", "region": LOCAL_REGION}

    def taken(size: int) -> bool:
        asked = json.dumps(event | {"resources": [], "detail": {"size": size}})
        answer = cloud.client("events").test_event_pattern(EventPattern=pattern, Event=asked)
        return bool(answer["Result"])

    assert [taken(size) for size in (5_000_000_000, 5_000_000_001)] == [True, False]
