"""What `make status` says of the local cloud's differences from AWS is true."""

import datetime
import hashlib
import json
import re
import uuid

import pytest

from tests.local_cloud.emulator import ROLE, Emulator, States, call
from workbench.local_cloud.deviations import deviations
from workbench.stages.stage import LOCAL_ACCOUNT, LOCAL_REGION, ROOT

REGION = {"CreateBucketConfiguration": {"LocationConstraint": LOCAL_REGION}}


def unique(kind: str) -> str:
    """A name that no other test uses."""
    return f"{kind}-{uuid.uuid4().hex[:8]}"


def test_waits_are_short(cloud: Emulator) -> None:
    ended = cloud.run({"Wait": {"Type": "Wait", "Seconds": 10, "End": True}})

    assert (ended["stopDate"] - ended["startDate"]).total_seconds() < 5


def test_timeout_of_a_machine_is_ignored(cloud: Emulator) -> None:
    wait = {"Type": "Wait", "Seconds": 30, "End": True}  # a second and a half here
    definition = {"StartAt": "Wait", "TimeoutSeconds": 1, "States": {"Wait": wait}}
    client = cloud.client("stepfunctions")
    machine = client.create_state_machine(
        name=unique("m"), definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]

    ended = cloud.ended(client.start_execution(stateMachineArn=machine)["executionArn"])

    assert ended["status"] == "SUCCEEDED"


def test_history_leaves_out_what_tasks_are_called_with(cloud: Emulator) -> None:
    function = cloud.function("def handler(event, context):\n    return event\n")

    history = cloud.run({"Call": call(function, {"number": 1}, End=True)})["history"]

    (scheduled,) = [event for event in history if event["type"] == "TaskScheduled"]
    assert "parameters" not in scheduled["taskScheduledEventDetails"]
    assert "TaskStarted" not in [event["type"] for event in history]


def test_failed_branch_lets_the_others_finish(cloud: Emulator) -> None:
    def branch(states: States) -> States:
        return {"StartAt": next(iter(states)), "States": states}

    ended = cloud.run(
        {
            "Both": {
                "Type": "Parallel",
                "Branches": [
                    branch({"Fail": {"Type": "Fail", "Error": "Broken"}}),
                    branch(
                        {
                            "Wait": {"Type": "Wait", "Seconds": 10, "Next": "Last"},
                            "Last": {"Type": "Pass", "End": True},
                        }
                    ),
                ],
                "End": True,
            }
        }
    )

    assert ended["error"] == "Broken"
    entered = [event.get("stateEnteredEventDetails", {}).get("name") for event in ended["history"]]
    assert "Last" in entered


def test_definition_is_not_checked(cloud: Emulator) -> None:
    assert cloud.machine({"Pass": {"Type": "Pass", "Next": "Missing"}})


def test_states_may_pass_much(cloud: Emulator) -> None:
    much = {"Type": "Pass", "Output": {"text": "x" * 300 * 1024}, "End": True}

    assert cloud.run({"Much": much})["status"] == "SUCCEEDED"


def test_executions_write_no_log(cloud: Emulator) -> None:
    group, client = f"/aws/vendedlogs/states/{unique('m')}", cloud.client("stepfunctions")
    cloud.client("logs").create_log_group(logGroupName=group)
    arn = f"arn:aws:logs:{LOCAL_REGION}:{LOCAL_ACCOUNT}:log-group:{group}:*"
    machine = client.create_state_machine(
        name=unique("m"),
        definition='{"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": true}}}',
        roleArn=ROLE,
        loggingConfiguration={
            "level": "ALL",
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}],
        },
    )["stateMachineArn"]

    cloud.ended(client.start_execution(stateMachineArn=machine)["executionArn"])

    streams = cloud.client("logs").describe_log_streams(logGroupName=group)
    assert streams["logStreams"] == []


def test_role_of_a_machine_is_not_evaluated(cloud: Emulator) -> None:
    function = cloud.function("def handler(event, context): return 'called'\n")
    client, role = cloud.client("iam"), unique("powerless")
    client.create_role(RoleName=role, AssumeRolePolicyDocument="{}")
    powerless = f"arn:aws:iam::{LOCAL_ACCOUNT}:role/{role}"

    ended = cloud.run({"Call": call(function, {}, End=True)}, role=powerless)

    assert ended["output"] == "called"


def test_etag_under_a_key_is_the_contents(cloud: Emulator) -> None:
    key = cloud.client("kms").create_key()["KeyMetadata"]["KeyId"]
    client, bucket = cloud.client("s3"), unique("b")
    client.create_bucket(Bucket=bucket, **REGION)

    answer = client.put_object(
        Bucket=bucket, Key="a", Body=b"a", ServerSideEncryption="aws:kms", SSEKMSKeyId=key
    )

    assert answer["ETag"].strip('"') == hashlib.md5(b"a").hexdigest()  # noqa: S324 - what S3 gives
    client.delete_object(Bucket=bucket, Key="a")
    client.delete_bucket(Bucket=bucket)


def test_lifecycle_rules_do_not_run(cloud: Emulator) -> None:
    client, bucket = cloud.client("s3"), unique("b")
    client.create_bucket(Bucket=bucket, **REGION)
    client.put_object(Bucket=bucket, Key="a", Body=b"a")
    long_ago = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    rule = {"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Date": long_ago}}

    client.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": [rule]}
    )

    assert client.get_object(Bucket=bucket, Key="a")["Body"].read() == b"a"
    client.delete_object(Bucket=bucket, Key="a")
    client.delete_bucket(Bucket=bucket)


def test_stack_needs_no_rights_on_its_queue(cloud: Emulator) -> None:
    name = unique("q")
    stacks_only = {"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"}
    client = cloud.client_as("cloudformation", **cloud.user(stacks_only))
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}

    client.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": {"Queue": queue}}))

    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.2})
    assert cloud.client("sqs").get_queue_url(QueueName=name)


def test_rotation_calls_no_function(cloud: Emulator) -> None:
    function, name = cloud.function("def handler(event, context): raise OSError\n"), unique("s")
    arn = f"arn:aws:lambda:{LOCAL_REGION}:{LOCAL_ACCOUNT}:function:{function}"
    client = cloud.client("secretsmanager")
    client.create_secret(Name=name, SecretString="old")

    rotated = client.rotate_secret(SecretId=name, RotationLambdaARN=arn)

    now = client.get_secret_value(SecretId=name)
    assert (now["VersionId"], now["SecretString"]) == (rotated["VersionId"], "old")


def test_function_may_write_anywhere(cloud: Emulator) -> None:
    function = cloud.function(
        "import pathlib\n"
        "def handler(event, context):\n"
        "    return (pathlib.Path(__file__).parent / 'mine').write_text('x')\n"
        f"# {uuid.uuid4()}\n"
    )

    assert cloud.invoke(function) == 1


@pytest.mark.parametrize("deviation", deviations(), ids=lambda deviation: deviation.test)
def test_every_deviation_has_its_test(deviation: object) -> None:
    file, _, name = getattr(deviation, "test", "").partition("::")
    source = (ROOT / file).read_text()

    assert re.search(rf"^def {name}\(", source, re.MULTILINE)
