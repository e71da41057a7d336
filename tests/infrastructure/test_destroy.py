"""`make destroy` looks first, and nothing is emptied when it cannot finish.

The stages are small: a stack of the kinds of things that matter, and what Terraform would know.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from operations.deployed import uploads_bucket
from tests.infrastructure.aws_stages import as_aws, new_stage
from tests.local_cloud import emulator
from tests.local_cloud.emulator import Emulator
from workbench.deployment import destroy, terraform
from workbench.local_cloud import processes
from workbench.stages import stack
from workbench.stages.alone import OWNER
from workbench.stages.errors import UserError
from workbench.stages.stage import LOCAL_REGION, PROJECT, Stage
from workbench.stages.waiting import wait_until

WAITING = {
    "StartAt": "Wait",
    "States": {"Wait": {"Type": "Wait", "Seconds": 1_000_000, "End": True}},
}


def bucket_of(stage: Stage) -> str:
    return uploads_bucket(stage, stage.account())


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator of these tests' own."""
    running, process = emulator.start(tmp_path_factory.mktemp("cloud"), SFN_WAIT_SCALE=1)
    yield running
    processes.kill_group(process.pid)
    process.wait()


@pytest.fixture
def stage(cloud: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A deployed stage with uploads and an execution that runs; its platform is one parameter."""
    monkeypatch.setenv("WORKBENCH_LOCAL_DIR", str(tmp_path / "local"))
    monkeypatch.delenv(OWNER, raising=False)
    with as_aws(cloud, tmp_path / "stages"):
        made = new_stage()
        monkeypatch.setenv("STAGE", made.name)
        monkeypatch.setenv("YES", "1")
        cloud.client("cloudformation").create_stack(
            StackName=made.prefix,
            TemplateBody=json.dumps(template(made)),
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        cloud.client("cloudformation").get_waiter("stack_create_complete").wait(
            StackName=made.prefix, WaiterConfig={"Delay": 0.2}
        )
        for key in ("incoming/a/1.csv", "incoming/a/1.csv", "curated/1"):
            cloud.client("s3").put_object(Bucket=bucket_of(made), Key=key, Body=b"x")
        cloud.client("s3").delete_object(Bucket=bucket_of(made), Key="curated/1")
        cloud.client("stepfunctions").start_execution(stateMachineArn=machine(made))
        cloud.client("ssm").put_parameter(Name=parameter(made), Value="x", Type="String")
        monkeypatch.setattr(terraform, "known", lambda stage: platform_of(cloud, stage))
        monkeypatch.setattr(terraform, "outputs", lambda _: {})
        monkeypatch.setattr(terraform, "destroy", lambda stage: forget_platform(cloud, stage))
        yield made


def template(stage: Stage) -> dict[str, Any]:
    role = "arn:aws:iam::000000000000:role/tests"
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    resources: dict[str, tuple[str, dict[str, Any]]] = {
        "UploadsBucket": (
            "AWS::S3::Bucket",
            {
                "BucketName": bucket_of(stage),
                "VersioningConfiguration": {"Status": "Enabled"},
            },
        ),
        "Ledger": (
            "AWS::DynamoDB::Table",
            {
                "TableName": f"{stage.prefix}-ledger",
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            },
        ),
        "PartnerUpload": (
            "AWS::IAM::ManagedPolicy",
            {
                "ManagedPolicyName": f"{stage.prefix}-partner-upload",
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            },
        ),
        "Machine": (
            "AWS::StepFunctions::StateMachine",
            {
                "StateMachineName": f"{stage.prefix}-machine",
                "RoleArn": role,
                "DefinitionString": json.dumps(WAITING),
            },
        ),
        "Rule": (
            "AWS::Events::Rule",
            {"Name": f"{stage.prefix}-Rule", "EventPattern": {"source": ["aws.s3"]}},
        ),
        "Nightly": (
            "AWS::Scheduler::Schedule",
            {
                "Name": f"{stage.prefix}-nightly",
                "ScheduleExpression": "rate(1 day)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {"Arn": machine(stage), "RoleArn": role},
                "State": "ENABLED",
            },
        ),
    }
    return {
        "Resources": {
            name: {"Type": kind, "Properties": properties}
            for name, (kind, properties) in resources.items()
        }
    }


def machine(stage: Stage) -> str:
    return f"arn:aws:states:{LOCAL_REGION}:000000000000:stateMachine:{stage.prefix}-machine"


def parameter(stage: Stage) -> str:
    return f"/{PROJECT}/{stage.name}/keys/data/arn"


def platform_of(cloud: Emulator, stage: Stage) -> list[str]:
    """What Terraform's state would know."""
    client = cloud.client("ssm")
    there = client.get_parameters(Names=[parameter(stage)])["Parameters"]
    return ["aws_ssm_parameter.handover"] if there else []


def forget_platform(cloud: Emulator, stage: Stage) -> None:
    """What `terraform destroy` would do."""
    cloud.client("ssm").delete_parameter(Name=parameter(stage))


def uploads(cloud: Emulator, stage: Stage) -> int:
    """How many versions and delete markers the bucket holds."""
    try:
        found = cloud.client("s3").list_object_versions(Bucket=bucket_of(stage))
    except cloud.client("s3").exceptions.NoSuchBucket:
        return -1
    return len(found.get("Versions", [])) + len(found.get("DeleteMarkers", []))


def state_of_rule(cloud: Emulator, stage: Stage) -> str:
    return str(cloud.client("events").describe_rule(Name=f"{stage.prefix}-Rule")["State"])


def test_everything_goes_with_its_packages_and_nothing_runs_on(
    cloud: Emulator, stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert destroy.main() == 0

    assert uploads(cloud, stage) == -1
    assert stack.status(stage) is None
    assert destroy.handed_over(stage) == []
    executions = cloud.client("stepfunctions").list_executions
    try:
        left = executions(stateMachineArn=machine(stage), statusFilter="RUNNING")["executions"]
    except cloud.client("stepfunctions").exceptions.StateMachineDoesNotExist:
        left = []
    assert left == []
    assert capsys.readouterr().out.endswith(f"destroyed: stage {stage.name}\n")


def attach(cloud: Emulator, stage: Stage) -> Callable[[], object]:
    iam, policy = cloud.client("iam"), f"{stage.prefix}-partner-upload"
    arn = f"arn:aws:iam::000000000000:policy/{policy}"
    iam.create_user(UserName=f"{stage.prefix}-partner")
    iam.attach_user_policy(UserName=f"{stage.prefix}-partner", PolicyArn=arn)
    return lambda: iam.detach_user_policy(UserName=f"{stage.prefix}-partner", PolicyArn=arn)


def protect_stack(cloud: Emulator, stage: Stage) -> Callable[[], object]:
    client = cloud.client("cloudformation")

    def protect(on: bool) -> None:
        client.update_termination_protection(StackName=stage.prefix, EnableTerminationProtection=on)

    protect(True)
    return lambda: protect(False)


def protect_table(cloud: Emulator, stage: Stage) -> Callable[[], object]:
    client = cloud.client("dynamodb")

    def protect(on: bool) -> None:
        client.update_table(TableName=f"{stage.prefix}-ledger", DeletionProtectionEnabled=on)

    protect(True)
    return lambda: protect(False)


@pytest.mark.parametrize(
    ("hinder", "says"),
    [
        (attach, r"policy PartnerUpload is attached to the user \S+; detach it with: aws iam "
         r"detach-user-policy --user-name \S+ --policy-arn \S+"),
        (protect_stack, "is protected; take that away with: aws cloudformation "),
        (protect_table, "is protected; take that away with: aws dynamodb "),
    ],
)  # fmt: skip
def test_what_would_stop_it_is_said_before_anything_is_touched(
    hinder: Callable[[Emulator, Stage], Callable[[], object]], says: str,
    cloud: Emulator, stage: Stage,
) -> None:  # fmt: skip
    undo = hinder(cloud, stage)
    try:
        with pytest.raises(UserError, match=f"^nothing was touched: .*{says}"):
            destroy.main()
    finally:
        undo()
    assert uploads(cloud, stage) == 4
    assert state_of_rule(cloud, stage) == "ENABLED"
    assert stack.status(stage) == "CREATE_COMPLETE"

    assert destroy.main() == 0


def test_an_empty_state_is_never_nothing_to_destroy(
    cloud: Emulator, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terraform, "known", lambda _: [])
    with pytest.raises(UserError, match="Terraform's state here does not know it: destroy it from"):
        destroy.main()
    assert uploads(cloud, stage) == 4


def test_a_stage_that_is_nowhere_is_an_error(
    cloud: Emulator, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE", "nowhere")
    monkeypatch.setattr(terraform, "known", lambda _: [])
    with pytest.raises(UserError, match=f"nothing of stage nowhere is in .* {LOCAL_REGION}"):
        destroy.main()


def test_a_platform_that_stays_is_an_error(
    cloud: Emulator, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terraform, "destroy", lambda _: None)
    with pytest.raises(UserError, match=f"is not gone: {parameter(stage)}$"):
        destroy.main()


def test_an_answer_of_no_touches_nothing(
    cloud: Emulator, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("YES")
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return ""

    monkeypatch.setattr("builtins.input", answer)
    with pytest.raises(UserError, match="nothing was changed"):
        destroy.main()
    assert "1 executions are stopped without an outcome" in asked[0]
    assert uploads(cloud, stage) == 4


def test_rules_are_on_again_when_it_ends_before_the_deletion(
    cloud: Emulator, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Stage) -> None:
        assert state_of_rule(cloud, stage) == "DISABLED"
        raise KeyboardInterrupt

    monkeypatch.setattr(stack, "delete", interrupted)
    with pytest.raises(KeyboardInterrupt):
        destroy.main()
    assert state_of_rule(cloud, stage) == "ENABLED"
    schedule = cloud.client("scheduler").get_schedule(Name=f"{stage.prefix}-nightly")
    assert schedule["State"] == "ENABLED"
    assert uploads(cloud, stage) == 4


def test_no_upload_is_deleted_when_more_than_the_bucket_refuses(
    cloud: Emulator, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = {"UploadsBucket": destroy.BUCKET, "PartnerUpload": "AWS::IAM::ManagedPolicy"}
    refused = [
        stack.Resource(name, kind, bucket_of(stage), "DELETE_FAILED", "it cannot")
        for name, kind in kinds.items()
    ]
    monkeypatch.setattr(stack, "delete", lambda _: refused)
    with pytest.raises(UserError, match="cannot be deleted, no upload was: PartnerUpload: it cann"):
        destroy.main()
    assert uploads(cloud, stage) == 4


def test_a_stack_that_never_was_complete_makes_way(cloud: Emulator, stage: Stage) -> None:
    failed = new_stage()
    client = cloud.client("cloudformation")
    taken = {
        "Type": destroy.BUCKET,
        "Properties": {"BucketName": bucket_of(stage)},
    }
    client.create_stack(
        StackName=failed.prefix, TemplateBody=json.dumps({"Resources": {"Bucket": taken}})
    )
    wait_until(lambda: stack.status(failed) in stack.NEVER_COMPLETE, "it is rolled back")
    stack.make_way(failed)
    assert stack.status(failed) is None
