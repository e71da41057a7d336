"""What AWS refuses, the local cloud refuses."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.emulator import ROLE, Emulator, call
from workbench.stages.stage import LOCAL_ACCOUNT, LOCAL_REGION
from workbench.stages.waiting import wait_until


def allow(action: str | list[str], resource: str | list[str], **conditions: Any) -> dict[str, Any]:
    """A statement that allows something."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": action, "Resource": resource}
    return statement | ({"Condition": conditions} if conditions else {})


def status(ask: Any) -> int:
    """The status that a call is refused with."""
    with pytest.raises(ClientError) as refused:
        ask()
    return int(refused.value.response["ResponseMetadata"]["HTTPStatusCode"])


def unique(kind: str) -> str:
    """A name that no other test uses."""
    return f"{kind}-{uuid.uuid4().hex[:8]}"


@pytest.mark.patch(name="missing_objects_are_kept_secret")
@pytest.mark.parametrize(("may_list", "expected"), [(False, 403), (True, 404)])
def test_missing_object_shows_only_to_who_may_list(
    cloud: Emulator, manifest: tuple[str, str], may_list: bool, expected: int
) -> None:
    bucket, key = manifest
    listing = allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", StringLike={"s3:prefix": "a/*"})
    objects = allow(["s3:GetObject*", "s3:PutObject"], f"arn:aws:s3:::{bucket}/*")
    client = cloud.client_as("s3", **cloud.user(objects, *([listing] if may_list else [])))
    gone, version = {"Bucket": bucket, "Key": "a/gone"}, {"VersionId": "0" * 32}

    assert status(lambda: client.get_object(**gone)) == expected
    assert status(lambda: client.head_object(**gone)) == expected
    assert status(lambda: client.get_object(**gone, **version)) == expected
    assert status(lambda: client.head_object(**gone, **version)) == expected
    copy = {"Bucket": bucket, "Key": "a/copy", "CopySource": f"{bucket}/a/gone"}
    assert status(lambda: client.copy_object(**copy)) == expected
    assert status(lambda: client.get_object(Bucket=bucket, Key="b/gone")) == 403
    assert client.get_object(Bucket=bucket, Key=key)["ContentLength"]
    assert status(lambda: cloud.client("s3").get_object(**gone)) == 404


OURS = f"arn:aws:kms:{LOCAL_REGION}:{LOCAL_ACCOUNT}:key/ours"


@pytest.mark.patch(name="encryption_headers_are_evaluated")
@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({}, True),
        ({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": OURS}, True),
        ({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": f"{OURS}-not"}, False),
        ({"ServerSideEncryption": "AES256"}, False),
        ({"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}, False),
    ],
)
def test_upload_is_evaluated_by_the_key_that_it_names(
    cloud: Emulator, manifest: tuple[str, str], headers: dict[str, str], taken: bool
) -> None:
    bucket, _ = manifest
    resource = f"arn:aws:s3:::{bucket}/{unique('keys')}/*"
    sse = "s3:x-amz-server-side-encryption"
    given = {"Null": {sse: "false"}}
    denied = [
        given | {"StringNotEquals": {sse: "aws:kms"}},
        given | {"StringNotEquals": {f"{sse}-aws-kms-key-id": OURS}},
        {"Null": {f"{sse}-customer-algorithm": "false"}},
    ]
    statements = [
        {"Effect": "Deny", "Action": "s3:PutObject", "Resource": resource, "Condition": condition}
        for condition in denied
    ]
    user = cloud.user(allow("s3:PutObject", resource), *statements)
    client, key = cloud.client_as("s3", **user), f"{resource.split('/')[1]}/a"

    def put() -> Any:
        return client.put_object(Bucket=bucket, Key=key, Body=b"", **headers)

    def begin() -> Any:
        upload = client.create_multipart_upload(Bucket=bucket, Key=key, **headers)["UploadId"]
        part = {name: said for name, said in headers.items() if name.startswith("SSECustomer")}
        return client.upload_part(
            Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"", **part
        )

    for send in (put, begin):
        if taken:
            assert send()["ResponseMetadata"]["HTTPStatusCode"] == 200
        else:
            assert status(send) == 403


@pytest.mark.patch(name="events_are_evaluated_one_by_one")
@pytest.mark.parametrize(
    ("source", "detail_type", "allowed"),
    [("mine", "Told", True), ("mine", "Other", False), ("yours", "Told", False)],
)
def test_event_is_evaluated_by_its_source_and_detail_type(
    cloud: Emulator, source: str, detail_type: str, allowed: bool
) -> None:
    bus = unique("bus")
    arn = cloud.client("events").create_event_bus(Name=bus)["EventBusArn"]
    only = {"events:source": "mine", "events:detail-type": ["Told", "Asked"]}
    statement = allow("events:PutEvents", arn, StringEquals=only)
    client = cloud.client_as("events", **cloud.user(statement))
    fine = {"EventBusName": bus, "Source": "mine", "DetailType": "Asked", "Detail": "{}"}

    def send() -> Any:
        return client.put_events(
            Entries=[fine, fine | {"Source": source, "DetailType": detail_type}]
        )

    if allowed:
        assert send()["FailedEntryCount"] == 0
    else:
        with pytest.raises(ClientError, match="AccessDenied"):
            send()


def stack(cloud: Emulator, client: Any = None, **resources: Any) -> str:
    """A new stack, once it is made or has failed; its name."""
    name, stacks = unique("s"), cloud.client("cloudformation")
    text = json.dumps({"Resources": resources})
    capabilities = ["CAPABILITY_NAMED_IAM"]
    (client or stacks).create_stack(StackName=name, TemplateBody=text, Capabilities=capabilities)
    wait_until(lambda: "IN_PROGRESS" not in stack_status(cloud, name), "the stack is made")
    return name


def stack_status(cloud: Emulator, name: str) -> str:
    """A stack's status; empty when there is none."""
    try:
        found = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError:
        return ""
    return str(found["StackStatus"])


def delete(cloud: Emulator, name: str) -> str:
    """How the deletion of a stack ends."""
    cloud.client("cloudformation").delete_stack(StackName=name)
    wait_until(
        lambda: stack_status(cloud, name) not in ("DELETE_IN_PROGRESS", "CREATE_COMPLETE"),
        "the deletion has ended",
    )
    return stack_status(cloud, name)


@pytest.mark.patch(name="full_buckets_stay")
@pytest.mark.parametrize("left", ["object", "version", "marker"])
def test_bucket_that_holds_something_is_not_deleted_with_its_stack(
    cloud: Emulator, left: str
) -> None:
    bucket, client = unique("b"), cloud.client("s3")
    properties = {"BucketName": bucket, "VersioningConfiguration": {"Status": "Enabled"}}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": bucket}}
    made = {"Type": "AWS::S3::Bucket", "Properties": properties}
    name = stack(cloud, Bucket=made, Topic=topic)
    version = client.put_object(Bucket=bucket, Key="a", Body=b"a")["VersionId"]
    if left != "object":
        client.delete_object(Bucket=bucket, Key="a")
    if left == "marker":
        client.delete_object(Bucket=bucket, Key="a", VersionId=version)

    assert delete(cloud, name) == "DELETE_FAILED"

    events = cloud.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events]
    assert any("not empty" in reason for reason in reasons)
    topics = [found["TopicArn"] for found in cloud.client("sns").list_topics()["Topics"]]
    assert not any(arn.endswith(bucket) for arn in topics)
    found = client.list_object_versions(Bucket=bucket)
    for each in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
        client.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
    assert delete(cloud, name) in ("", "DELETE_COMPLETE")


def waits(cloud: Emulator) -> tuple[dict[str, Any], str]:
    """States that wait for an answer, one after them, and the function that is asked."""
    function = cloud.function("def handler(event, context): print('token', event)\n")
    ask = call(function, "{% $states.context.Task.Token %}", Next="After")
    ask |= {"Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "Output": "answered"}
    return {"Ask": ask, "After": {"Type": "Pass", "End": True}}, function


@pytest.mark.patch(name="state_machines_outlive_their_executions")
def test_state_machine_is_deleted_when_its_executions_have_ended(cloud: Emulator) -> None:
    client, (states, function) = cloud.client("stepfunctions"), waits(cloud)
    machine = cloud.machine(states)
    execution = client.start_execution(stateMachineArn=machine)["executionArn"]
    token = wait_until(lambda: cloud.log(function), "the question")[0].split()[1]

    client.delete_state_machine(stateMachineArn=machine)

    assert client.describe_state_machine(stateMachineArn=machine)["status"] == "DELETING"
    with pytest.raises(client.exceptions.StateMachineDeleting):
        client.start_execution(stateMachineArn=machine)
    client.send_task_success(taskToken=token, output="{}")  # its next state is its last

    def gone() -> bool:
        try:
            client.describe_state_machine(stateMachineArn=machine)
        except client.exceptions.StateMachineDoesNotExist:
            return True
        return False

    wait_until(gone, "the state machine is gone")
    with pytest.raises(client.exceptions.ExecutionDoesNotExist):
        client.describe_execution(executionArn=execution)


@pytest.mark.patch(name="state_machines_outlive_their_executions")
def test_stack_waits_for_the_executions_of_its_state_machine(cloud: Emulator) -> None:
    client, (states, function) = cloud.client("stepfunctions"), waits(cloud)
    definition = {"QueryLanguage": "JSONata", "StartAt": "Ask", "States": states}
    properties = {
        "StateMachineName": unique("m"),
        "RoleArn": ROLE,
        "DefinitionString": json.dumps(definition),
    }
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    name = stack(cloud, Machine=machine)
    arn = (
        f"arn:aws:states:{LOCAL_REGION}:{LOCAL_ACCOUNT}:stateMachine:"
        f"{properties['StateMachineName']}"
    )
    execution = client.start_execution(stateMachineArn=arn)["executionArn"]
    wait_until(lambda: cloud.log(function), "the question")

    cloud.client("cloudformation").delete_stack(StackName=name)

    def deleting() -> bool:
        found = client.describe_state_machine(stateMachineArn=arn)
        return bool(found["status"] == "DELETING")

    wait_until(deleting, "the state machine waits")
    assert stack_status(cloud, name) == "DELETE_IN_PROGRESS"
    client.stop_execution(executionArn=execution)
    wait_until(lambda: stack_status(cloud, name) in ("", "DELETE_COMPLETE"), "the stack is gone")


@pytest.mark.patch(name="settings_of_functions")
def test_function_of_a_stack_has_all_its_settings(cloud: Emulator) -> None:
    name, client = unique("f"), cloud.client("lambda")
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    dead = f"arn:aws:sqs:{LOCAL_REGION}:{LOCAL_ACCOUNT}:{name}"
    properties = {
        "FunctionName": name,
        "Role": ROLE,
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Code": {"ZipFile": "def handler(event, context): pass"},
        "KmsKeyArn": key,
        "DeadLetterConfig": {"TargetArn": dead},
        "ReservedConcurrentExecutions": 3,
        "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    }
    made = stack(cloud, Function={"Type": "AWS::Lambda::Function", "Properties": properties})

    found = client.get_function(FunctionName=name)
    assert found["Configuration"]["KMSKeyArn"] == key
    assert found["Configuration"]["DeadLetterConfig"] == {"TargetArn": dead}
    assert found["Configuration"]["VpcConfig"]["SubnetIds"] == ["subnet-1"]
    assert found["Concurrency"]["ReservedConcurrentExecutions"] == 3

    less = {
        kept: properties[kept] for kept in ("FunctionName", "Role", "Runtime", "Handler", "Code")
    }
    changed = {"Resources": {"Function": {"Type": "AWS::Lambda::Function", "Properties": less}}}
    stacks = cloud.client("cloudformation")
    stacks.update_stack(StackName=made, TemplateBody=json.dumps(changed))
    wait_until(lambda: stack_status(cloud, made) == "UPDATE_COMPLETE", "the stack is updated")
    found = client.get_function(FunctionName=name)
    assert "KMSKeyArn" not in found["Configuration"]
    assert "Concurrency" not in found


TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
EVERYTHING = {"Version": "2012-10-17", "Statement": [allow("*", "*")]}


def role(**more: Any) -> dict[str, Any]:
    """A role in a template."""
    properties = {"RoleName": unique("role"), "AssumeRolePolicyDocument": TRUST, **more}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


FUNCTION = {
    "Type": "AWS::Lambda::Function",
    "Properties": {
        "Role": ROLE,
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Code": {"ZipFile": "def handler(event, context): pass"},
    },
}
WITH_POLICY = role(Policies=[{"PolicyName": "all", "PolicyDocument": EVERYTHING}])
WITH_MANAGED = role(ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"])
MANAGED = {
    "Type": "AWS::IAM::ManagedPolicy",
    "Properties": {"ManagedPolicyName": unique("p"), "PolicyDocument": EVERYTHING},
}


@pytest.mark.patch(name="callers_need_rights_on_roles")
@pytest.mark.parametrize(
    ("resource", "granted", "missing"),
    [
        (role(), [], "iam:CreateRole"),
        (WITH_POLICY, ["iam:CreateRole"], "iam:PutRolePolicy"),
        (WITH_MANAGED, ["iam:CreateRole"], "iam:AttachRolePolicy"),
        (MANAGED, [], "iam:CreatePolicy"),
        (FUNCTION, ["iam:CreateRole", "lambda:*"], "iam:PassRole"),
    ],
    ids=[
        "role",
        "inline policy",
        "managed policy of a role",
        "managed policy",
        "role of a function",
    ],
)
def test_stack_with_roles_needs_the_callers_rights(
    cloud: Emulator, resource: dict[str, Any], granted: list[str], missing: str
) -> None:
    few = [allow("cloudformation:*", "*"), *(allow(action, "*") for action in granted)]
    poor = cloud.client_as("cloudformation", **cloud.user(*few, allow("iam:DeleteRole", "*")))
    rich = cloud.client_as("cloudformation", **cloud.user(*few, allow(["iam:*"], "*")))

    refused = stack(cloud, poor, Thing=resource)

    assert stack_status(cloud, refused) == "ROLLBACK_COMPLETE"
    events = cloud.client("cloudformation").describe_stack_events(StackName=refused)["StackEvents"]
    said = [event.get("ResourceStatusReason", "") for event in events]
    assert any(f"not authorized to perform: {missing}" in reason for reason in said), said
    assert stack_status(cloud, stack(cloud, rich, Thing=resource)) == "CREATE_COMPLETE"
