"""What a role may do hangs together: no access without the key behind it, and no more than used.

The local cloud judges neither the keys behind objects, table and secrets nor the roles of the
workflow, the rules and the schedule: these checks stand in for it.
"""

from typing import Any

import pytest

from tests.template import functions, resources

ROLES = resources("AWS::IAM::Role")
# What stands behind an access: (actions that begin so, the managed policy that a role needs too).
BEHIND = {"dynamodb:": "UseLedgerKey", "secretsmanager:": "DecryptSecrets"}


def statements(role: str) -> list[dict[str, Any]]:
    policies = ROLES[role]["Properties"].get("Policies", [])
    return [each for one in policies for each in one["PolicyDocument"]["Statement"]]


def actions(statement: dict[str, Any]) -> list[str]:
    listed = statement["Action"]
    return [listed] if isinstance(listed, str) else listed


def all_actions(role: str) -> set[str]:
    return {action for each in statements(role) for action in actions(each)}


def managed(role: str) -> set[str]:
    return {each["Ref"] for each in ROLES[role]["Properties"].get("ManagedPolicyArns", [])}


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize(("access", "policy"), BEHIND.items())
def test_a_role_may_use_the_key_behind_what_it_may_access(
    role: str, access: str, policy: str
) -> None:
    may_access = any(action.startswith(access) for action in all_actions(role))
    assert may_access == (policy in managed(role))


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_may_use_the_data_key_for_the_objects_it_reads_and_writes(role: str) -> None:
    wanted = set()
    if {"s3:GetObject", "s3:GetObjectVersion"} & all_actions(role):
        wanted |= {"kms:Decrypt"}
    if "s3:PutObject" in all_actions(role):
        wanted |= {"kms:Decrypt", "kms:GenerateDataKey"}  # both, for uploads in parts
    given = [each for each in statements(role) if each.get("Sid") == "UseDataKeyForObjects"]
    assert {action for each in given for action in actions(each)} == wanted
    for each in given:
        assert each["Resource"] == {"Ref": "DataKeyArn"}
        condition = each["Condition"]["StringEquals"]
        assert condition["kms:ViaService"] == {"Fn::Sub": "s3.${AWS::Region}.amazonaws.com"}
        # With a bucket key the encryption context is the bucket, not the object.
        bucket = {"Fn::GetAtt": ["UploadsBucket", "Arn"]}
        assert condition["kms:EncryptionContext:aws:s3:arn"] == bucket


@pytest.mark.parametrize("role", sorted(ROLES))
def test_only_what_knows_no_resource_is_allowed_on_all(role: str) -> None:
    for each in statements(role):
        if each["Resource"] == "*":
            assert all(action.startswith(("logs:", "xray:")) for action in actions(each))


@pytest.mark.parametrize("role", sorted(ROLES))
def test_no_role_is_for_whoever_comes(role: str) -> None:
    trust = ROLES[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert len(trust) == 1
    assert set(trust[0]["Principal"]) == {"Service"}


def test_the_workflow_may_run_its_distributed_map() -> None:
    machine = "stateMachine:order-intake-${Stage}-OrderIntake"
    (start,) = [each for each in statements("OrderIntakeRole") if each["Sid"] == "StartChildren"]
    assert actions(start) == ["states:StartExecution"]
    assert start["Resource"]["Fn::Sub"].endswith(machine)
    (watch,) = [each for each in statements("OrderIntakeRole") if each["Sid"] == "WatchChildren"]
    assert set(actions(watch)) == {"states:DescribeExecution", "states:StopExecution"}
    ends = [each["Fn::Sub"].partition("execution:")[2] for each in watch["Resource"]]
    assert ends == ["order-intake-${Stage}-OrderIntake:*", "order-intake-${Stage}-OrderIntake/*"]
    assert resources()["OrderIntake"]["Properties"]["Name"] == {
        "Fn::Sub": "order-intake-${Stage}-OrderIntake"
    }


def test_the_workflow_may_do_what_its_direct_integrations_do() -> None:
    wanted = {"s3:GetObject", "dynamodb:GetItem", "dynamodb:UpdateItem", "events:PutEvents"}
    given = {
        action
        for action in all_actions("OrderIntakeRole")
        if action.startswith(("s3:", "dynamodb:", "events:"))
    }
    assert given == wanted


def test_the_workflow_may_deliver_its_logs_and_traces() -> None:
    given = all_actions("OrderIntakeRole")
    # The list that AWS's documentation gives for logging to CloudWatch Logs.
    for action in ("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery"):
        assert f"logs:{action}" in given
    for action in ("ListLogDeliveries", "PutResourcePolicy", "DescribeResourcePolicies"):
        assert f"logs:{action}" in given
    assert {"logs:DescribeLogGroups", "xray:PutTraceSegments"} <= given


def test_rules_and_schedule_may_call_their_targets() -> None:
    (start,) = statements("StartWorkflowRole")
    assert (actions(start), start["Resource"]) == (
        ["states:StartExecution"],
        {"Ref": "OrderIntake"},
    )
    calls = {each["Sid"]: each for each in statements("DailySettlementScheduleRole")}
    assert calls["Invoke"]["Resource"] == {"Fn::GetAtt": ["DailySettlement", "Arn"]}
    assert calls["SendToDeadLetterQueue"]["Resource"] == {
        "Fn::GetAtt": ["EventsDeadLetterQueue", "Arn"]
    }
    key = calls["UseDataKeyForDeadLetterQueue"]
    assert set(actions(key)) == {"kms:Decrypt", "kms:GenerateDataKey"}


@pytest.mark.parametrize("name", sorted(functions()))
def test_every_function_may_decrypt_its_environment_and_trace(name: str) -> None:
    assert "FunctionBasics" in managed(f"{name}Role")


def test_a_partner_may_upload_under_its_own_prefix_only() -> None:
    policy = resources()["PartnerUpload"]["Properties"]["PolicyDocument"]
    upload, key = policy["Statement"]
    assert upload["Action"] == "s3:PutObject"
    prefix = "${UploadsBucket.Arn}/incoming/${!aws:PrincipalTag/partner}/*"
    assert upload["Resource"] == {"Fn::Sub": prefix}
    assert set(key["Action"]) == {"kms:GenerateDataKey", "kms:Decrypt"}
    assert key["Resource"] == {"Ref": "DataKeyArn"}
