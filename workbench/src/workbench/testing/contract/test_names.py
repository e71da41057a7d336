"""Every physical name fits AWS's limits, with the longest names of project, stage and region."""

from typing import Any

import pytest

from workbench.deployment import terraform
from workbench.deployment.resolved import NAMES
from workbench.permissions.platform import PLAN
from workbench.testing.contract.deployed import longest, platform_is_planned, template

# The longest name of each kind, in characters: AWS's reference of each CloudFormation type.
LIMITS = {
    "AWS::CloudWatch::Alarm": 255,
    "AWS::CloudWatch::Dashboard": 255,
    "AWS::DynamoDB::Table": 255,
    "AWS::Events::Rule": 64,
    "AWS::IAM::ManagedPolicy": 128,
    "AWS::IAM::Role": 64,
    "AWS::Lambda::Function": 64,
    "AWS::Logs::LogGroup": 512,
    "AWS::S3::Bucket": 63,
    "AWS::SNS::Topic": 256,
    "AWS::SQS::Queue": 80,
    "AWS::Scheduler::Schedule": 64,
    "AWS::StepFunctions::StateMachine": 80,
}
PLANNED = {
    "aws_cloudwatch_event_archive": 48,
    "aws_cloudwatch_event_bus": 256,
    "aws_kms_alias": 256,
    "aws_secretsmanager_secret": 512,
    "aws_sqs_queue": 80,
    "aws_ssm_parameter": 1011,
}


def names() -> list[tuple[str, str, str]]:
    """(logical id, type, name) of whatever the template names itself."""
    keys = (*NAMES, "DashboardName", "ManagedPolicyName", "RoleName")
    return [
        (id, body["Type"], body["Properties"][key])
        for id, body in template().resources.items()
        for key in keys
        if body["Type"] in LIMITS and isinstance(body["Properties"].get(key), str)
    ]


@pytest.mark.parametrize(("id", "kind", "name"), names(), ids=lambda each: str(each)[:60])
def test_a_resources_name_is_short_enough(id: str, kind: str, name: str) -> None:
    made = longest(name)
    assert len(made) <= LIMITS[kind], f"template.yaml: {id}: {made} has {len(made)} characters"


@platform_is_planned
def test_the_platforms_names_are_short_enough() -> None:
    planned: dict[str, dict[str, Any]] = terraform.planned_in_test(PLAN)
    checked = 0
    for address, values in planned.items():
        limit = PLANNED.get(address.partition(".")[0])
        name = values.get("name")
        if limit and isinstance(name, str):
            checked += 1
            made = longest(name)
            assert len(made) <= limit, f"terraform/: {address}: {made} has {len(made)} characters"
    assert checked
