"""Every permission on the way of a file is there, and none that nothing needs.

Worked out from the translated template and the definition. What Terraform's policies add, and what
the functions ask for by themselves, tests/local_cloud judges.
"""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tools.permissions.judging import judge
from tools.permissions.policies import Grant, Request, grants
from tools.permissions.template import Template

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def template() -> Template:
    return Template.load()


def changed(template: Template, change: Change) -> Template:
    """A copy of the template with a change in its resources."""
    raw = copy.deepcopy(template.raw)
    change(raw["Resources"])
    return Template(raw)


def without(resource: str, sid: str) -> Change:
    """Takes a statement out of a role's or a resource's policy."""

    def change(resources: dict[str, Any]) -> None:
        properties = resources[resource]["Properties"]
        documents = [each["PolicyDocument"] for each in properties.get("Policies", [])]
        for document in documents or [properties["PolicyDocument"]]:
            kept = [each for each in document["Statement"] if each.get("Sid") != sid]
            assert len(kept) < len(document["Statement"])
            document["Statement"] = kept

    return change


def test_nothing_is_missing_and_nothing_is_idle(template: Template) -> None:
    assert judge(template, None, None) == ([], [])


@pytest.mark.parametrize(
    ("resource", "sid", "told"),
    [
        ("PriceChunkRole", "UseDataKeyForObjects", "PriceChunkRole may s3:GetObjectVersion"),
        ("PriceChunkRole", "WriteLogs", "PriceChunk logs"),
        ("OrderIntakeRole", "UseDataKeyForObjects", "OrderIntakeRole may s3:GetObject"),
        ("OrderIntakeRole", "ReadManifest", "OrderIntake does PriceChunks: its list of items"),
        ("OrderIntakeRole", "StartChildren", "OrderIntake does PriceChunks"),
        ("OrderIntakeRole", "WatchChildren", "OrderIntake does PriceChunks"),
        ("OrderIntakeRole", "CallFunctions", "OrderIntake does RegisterFile"),
        ("OrderIntakeRole", "KeepLedger", "OrderIntake does RecordFailure"),
        ("OrderIntakeRole", "Announce", "OrderIntake does Announce"),
        ("OrderIntakeRole", "DeliverLogs", "OrderIntake logs its executions"),
        ("OrderIntakeRole", "Trace", "OrderIntake is traced"),
        ("UseLedgerKey", "UseDataKeyForLedger", "RegisterFileRole may dynamodb:UpdateItem"),
        ("DecryptSecrets", "UseConfigKeyForSecrets", "may secretsmanager:GetSecretValue"),
        ("FunctionBasics", "DecryptOwnEnvironment", "LoadOrders starts: its environment"),
        ("FunctionBasics", "Trace", "LoadOrders is traced"),
        (
            "SendToFunctionsDeadLetterQueue",
            "UseDataKeyForDeadLetterQueue",
            "NotifyPartnerRole may sqs:SendMessage",
        ),
        ("SendToFunctionsDeadLetterQueue", "SendToDeadLetterQueue", "gave up on an event"),
        ("DailySettlementScheduleRole", "Invoke", "the schedule DailySettlementSchedule calls"),
        ("PartnerUpload", "EncryptUploads", "a partner uploads a file"),
        ("OperatorsPolicy", "Rules", "ApprovalRequested calls Operators"),
        ("OperatorsPolicy", "Alarms", "tells the operators"),
        ("EventsDeadLetterQueuePolicy", "UndeliveredEvents", "SmallFileUploaded cannot deliver"),
    ],
)
def test_missing_permission_is_told_with_the_way_it_breaks(
    template: Template, resource: str, sid: str, told: str
) -> None:
    absent, _ = judge(changed(template, without(resource, sid)), None, None)

    assert any(told in line for line in absent), absent


def test_missing_permission_of_a_rule_is_told(template: Template) -> None:
    absent, _ = judge(
        changed(template, lambda found: found.pop("SmallFileUploadedPermission")), None, None
    )

    assert absent[0].startswith("SmallFileUploaded calls IntakeSmallFile: function")


def test_swapped_key_is_told(template: Template) -> None:
    def swap(resources: dict[str, Any]) -> None:
        (policy,) = resources["PriceChunkRole"]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]:
            if statement["Sid"] == "UseDataKeyForObjects":
                statement["Resource"] = {"Ref": "ConfigKeyArn"}

    absent, idle = judge(changed(template, swap), None, None)

    assert any("PriceChunkRole may s3:PutObject" in line for line in absent)
    assert any("PriceChunkRole (UseDataKeyForObjects)" in line for line in idle)


@pytest.mark.parametrize("role", ["OrderIntakeRole", "StartWorkflowRole"])
def test_grant_that_nothing_needs_is_told(template: Template, role: str) -> None:
    def add(resources: dict[str, Any]) -> None:
        statement = {
            "Sid": "TooMuch",
            "Effect": "Allow",
            "Action": "dynamodb:DeleteTable",
            "Resource": {"Fn::GetAtt": ["Ledger", "Arn"]},
        }
        document = resources[role]["Properties"]["Policies"][0]["PolicyDocument"]
        document["Statement"].append(statement)

    _, idle = judge(changed(template, add), None, None)

    assert any(f"{role} (TooMuch): dynamodb:DeleteTable" in line for line in idle)


def test_conditions_are_looked_at() -> None:
    (grant,) = grants(
        "somebody",
        {
            "Statement": {
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": "arn:key/*",
                "Condition": {"StringEquals": {"kms:ViaService": ["s3.x", "sqs.x"]}},
            }
        },
    )

    def covers(grant: Grant, **context: str) -> bool:
        named = {name.replace("_", ":"): value for name, value in context.items()}
        return grant.covers(Request("somebody", "kms:Decrypt", "arn:key/a", "a way", named))

    assert covers(grant, kms_ViaService="sqs.x")
    assert not covers(grant, kms_ViaService="sns.x")
    assert not covers(grant)
