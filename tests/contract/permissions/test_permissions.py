"""Every permission on a file's way is there, none that nothing needs, none that reaches too far.

Worked out without a cloud: from the translated template, the definition, Terraform's plan, and what
functions were recorded to ask for (tests/recorded_actions.txt, which tests/faults compares
with what they do).
"""

import copy
import functools
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workbench.deployment import handover, terraform
from workbench.deployment.provider_mirror import TERRAFORM
from workbench.deployment.resolved import WHERE
from workbench.permissions import asked
from workbench.permissions.evaluation import Verdict, evaluate, policies_of
from workbench.permissions.need import Need
from workbench.permissions.platform import Bus, Platform
from workbench.permissions.policies import Grant, Request, denials, grants
from workbench.permissions.template import Template
from workbench.permissions.ways import needs
from workbench.stages.errors import UserError

type Change = Callable[[dict[str, Any]], None]
type Document = dict[str, Any]

# The properties of each type that are, or hold, policies.
POLICIES = {
    "AWS::IAM::Role": ("AssumeRolePolicyDocument", "Policies"),
    "AWS::IAM::ManagedPolicy": ("PolicyDocument",),
    "AWS::SQS::QueuePolicy": ("PolicyDocument",),
    "AWS::SNS::TopicPolicy": ("PolicyDocument",),
}
DATA_KEY, CONFIG_KEY = (handover.sample(f"keys/{name}/arn") for name in ("data", "config"))
BUS = handover.sample("buses/orders/name")
BUS_QUEUE = f"{BUS}-dlq"
TEMPLATE = Template.load()
RESOURCES = TEMPLATE.raw["Resources"]


@functools.cache
def asked_for() -> list[Need]:
    """What the functions ask for by themselves; reading all their code takes a moment."""
    return asked.needs(asked.kept(), TEMPLATE.handlers)


@pytest.fixture(scope="module")
def platform() -> Platform:
    if not shutil.which("terraform"):
        pytest.skip("terraform is not installed")
    return Platform.planned()


def evaluated(platform: Platform, change: Change | None = None) -> Verdict:
    """The verdict on the template, or on a copy with a change in its resources."""
    if not change:
        return evaluate(TEMPLATE, platform, asked_for())
    raw = copy.deepcopy(TEMPLATE.raw)
    change(raw["Resources"])
    return evaluate(Template(raw), platform, asked_for())


def documents(resource: dict[str, Any]) -> Iterator[Document]:
    for name in POLICIES[resource["Type"]]:
        held = resource["Properties"].get(name, [])
        yield from (each["PolicyDocument"] for each in held) if name == "Policies" else [held]


def to_every_statement(flaw: Callable[[Document], Document]) -> Change:
    """Puts a flaw into all statements of all policies."""

    def change(resources: dict[str, Any]) -> None:
        for resource in resources.values():
            for document in documents(resource) if resource["Type"] in POLICIES else ():
                document["Statement"] = [each | flaw(each) for each in document["Statement"]]

    return change


def all_of_the_service(statement: Document) -> Document:
    action = statement["Action"]
    first = action[0] if isinstance(action, list) else action
    return {"Action": f"{first.partition(':')[0]}:*"}


def one_action_more(statement: Document) -> Document:
    action = statement["Action"]
    return {"Action": [*(action if isinstance(action, list) else [action]), "iam:PassRole"]}


def everywhere(statement: Document) -> Document:
    return {"Resource": "*"} if "Resource" in statement else {}


def in_all_circumstances(statement: Document) -> Document:
    return {"Condition": {}}


def one_principal_more(statement: Document) -> Document:
    named = statement.get("Principal", {}).get("Service")
    return {"Principal": {"Service": [named, "glue.amazonaws.com"]}} if named else {}


def test_every_grant_would_be_missed(platform: Platform) -> None:
    policies = policies_of(TEMPLATE) | platform.policies
    asking: dict[str, list[Request]] = {}
    for need in [*needs(TEMPLATE, platform), *asked_for()]:
        asking.setdefault(need.where, []).append(need.request)

    def is_missed(grant: Grant, held: list[Grant], where: str) -> bool:
        return any(
            [each for each in held if each.allows(request)] == [grant]
            for request in asking.get(where, [])
        )

    spare = [
        str(grant)
        for where, held in policies.items()
        for grant in held
        if grant.place not in TEMPLATE.unused_grants and not is_missed(grant, held, where)
    ]
    assert spare == []


@pytest.mark.parametrize(
    "flaw",
    [
        all_of_the_service,
        one_action_more,
        everywhere,
        in_all_circumstances,
        one_principal_more,
    ],
)
def test_what_reaches_too_far_is_reported_for_every_statement(
    platform: Platform, flaw: Callable[[Document], Document]
) -> None:
    statements = {
        (grant.holder, grant.sid)
        for name, held in policies_of(TEMPLATE).items()
        for grant in held
        if not name.startswith("function ")
    }
    change = to_every_statement(flaw)
    changed = copy.deepcopy(TEMPLATE.raw)
    change(changed["Resources"])
    same = statements - differing(TEMPLATE, Template(changed))

    lines = evaluated(platform, change).lines

    reported = {(h, s) for h, s in statements if any(f"{h} ({s})" in line for line in lines)}
    assert statements - reported - same == set()


def differing(one: Template, other: Template) -> set[tuple[str, str]]:
    """The statements (holder, Sid) whose grants are not the same in both."""

    def grants_in(template: Template) -> dict[tuple[str, str], list[Grant]]:
        found: dict[tuple[str, str], list[Grant]] = {}
        for held in policies_of(template).values():
            for grant in held:
                found.setdefault((grant.holder, grant.sid), []).append(grant)
        return found

    before, after = grants_in(one), grants_in(other)
    return {key for key in before if repr(before[key]) != repr(after.get(key))}


@pytest.mark.parametrize("role", sorted(TEMPLATE.of_type("AWS::IAM::Role")))
def test_every_lost_managed_policy_is_reported(platform: Platform, role: str) -> None:
    for number in range(len(RESOURCES[role]["Properties"].get("ManagedPolicyArns", []))):

        def change(resources: dict[str, Any], number: int = number) -> None:
            del resources[role]["Properties"]["ManagedPolicyArns"][number]

        assert evaluated(platform, change).missing


@pytest.mark.parametrize("name", sorted(TEMPLATE.of_type("AWS::Lambda::Permission")))
def test_every_flaw_of_a_functions_permission_is_reported(platform: Platform, name: str) -> None:
    def anybody(resources: dict[str, Any]) -> None:
        resources[name]["Properties"] |= {"Principal": "*"}

    def whoever_it_calls_for(resources: dict[str, Any]) -> None:
        del resources[name]["Properties"]["SourceArn"]

    assert evaluated(platform, lambda resources: resources.pop(name)).missing
    assert evaluated(platform, anybody).missing
    assert evaluated(platform, whoever_it_calls_for).wide


def test_every_flaw_of_terraforms_policies_is_reported(platform: Platform) -> None:
    for whose, held in platform.policies.items():
        for grant in held:
            rest = [each for each in held if each is not grant]
            others = replace(grant, principal="glue.amazonaws.com")
            lost = replace(platform, policies={**platform.policies, whose: rest})
            more = replace(platform, policies={**platform.policies, whose: [*held, others]})
            assert any(
                f"{whose} does not allow" in reported for reported in evaluated(lost).missing
            ), grant
            assert evaluated(more).idle, grant
            for operator, tests in grant.condition.items():
                for key in tests:
                    kept = {name: value for name, value in tests.items() if name != key}
                    bare = replace(grant, condition={**grant.condition, operator: kept})
                    wide = replace(platform, policies={**platform.policies, whose: [*rest, bare]})
                    implied = key == "aws:SourceAccount" and "aws:SourceArn" in str(grant.condition)
                    assert evaluated(wide).wide or implied, (grant, key)


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        (
            lambda of: replace(of, buses={BUS: Bus(CONFIG_KEY, BUS_QUEUE)}),
            "takes an event: key config does not allow",
        ),
        (
            lambda of: replace(of, queues={f"{BUS}-dlq": CONFIG_KEY}),
            "the orders bus cannot encrypt goes to",
        ),
        (lambda of: replace(of, secrets_key=DATA_KEY), "NotifyPartnerRole may secretsmanager:Get"),
    ],
)
def test_swapped_key_of_the_platform_is_reported(
    platform: Platform, change: Callable[[Platform], Platform], reported: str
) -> None:
    assert any(reported in line for line in evaluated(change(platform)).missing)


def test_a_bus_without_a_key_needs_none_and_nothing_is_granted_for_it(platform: Platform) -> None:
    verdict = evaluated(replace(platform, buses={BUS: Bus("", BUS_QUEUE)}))

    assert verdict.missing == []
    assert any("kms:Decrypt on * to events.amazonaws.com" in line for line in verdict.idle)


def without(holder: str, sid: str) -> Change:
    """Takes a statement out of a policy."""

    def change(resources: dict[str, Any]) -> None:
        for document in documents(resources[holder]):
            kept = [each for each in document["Statement"] if each.get("Sid") != sid]
            document["Statement"] = kept

    return change


@pytest.mark.parametrize(
    ("holder", "sid", "reported"),
    [
        ("PriceChunkRole", "ReadUploads", "PriceChunk asks for it"),
        ("PriceChunkRole", "UseDataKeyForObjects", "PriceChunkRole may s3:GetObjectVersion"),
        ("PriceChunkRole", "SeeThatAnObjectIsMissing", "PriceChunkRole sees that an object is"),
        ("LoadOrdersRole", "SeeThatAnObjectIsMissing", "LoadOrdersRole sees that an object is"),
        ("PriceChunkRole", "WriteLogs", "PriceChunk logs"),
        ("OrderIntakeRole", "UseDataKeyForObjects", "OrderIntakeRole may s3:GetObject"),
        ("OrderIntakeRole", "ReadManifest", "OrderIntake does PriceChunks: its list of items"),
        ("OrderIntakeRole", "StartChildren", "OrderIntake does PriceChunks"),
        ("OrderIntakeRole", "WatchChildren", "OrderIntake does PriceChunks"),
        ("OrderIntakeRole", "CallFunctions", "OrderIntake does RegisterFile"),
        ("OrderIntakeRole", "KeepLedger", "OrderIntake does ReadPartnerTerms"),
        ("OrderIntakeRole", "Announce", "OrderIntake does Announce"),
        ("OrderIntakeRole", "DeliverLogs", "OrderIntake logs its executions"),
        ("OrderIntakeRole", "Trace", "OrderIntake is traced"),
        ("UseLedgerKey", "UseDataKeyForLedger", "RegisterFileRole may dynamodb:UpdateItem"),
        ("DecryptSecrets", "UseConfigKeyForSecrets", "may secretsmanager:GetSecretValue"),
        ("FunctionBasics", "DecryptOwnEnvironment", "LoadOrders starts: its environment"),
        (
            "SendToFunctionsDeadLetterQueue",
            "UseDataKeyForDeadLetterQueue",
            "NotifyPartnerRole may sqs:SendMessage",
        ),
        (
            "DailyReconciliationScheduleRole",
            "Invoke",
            "the schedule DailyReconciliationSchedule calls",
        ),
        ("PartnerUpload", "EncryptUploads", "a partner uploads a file"),
        ("OperatorsPolicy", "Rules", "ApprovalRequested calls Operators"),
        ("OperatorsPolicy", "Alarms", "tells its topic"),
        ("EventsDeadLetterQueuePolicy", "UndeliveredEvents", "SmallFileUploaded cannot deliver"),
    ],
)
def test_missing_permission_is_reported_with_the_way_it_breaks(
    platform: Platform, holder: str, sid: str, reported: str
) -> None:
    absent = evaluated(platform, without(holder, sid)).missing

    assert any(reported in line for line in absent), absent


def test_swapped_key_of_a_statement_is_reported(platform: Platform) -> None:
    def swap(resources: dict[str, Any]) -> None:
        (policy,) = resources["PriceChunkRole"]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]:
            if statement["Sid"] == "UseDataKeyForObjects":
                statement["Resource"] = {"Ref": "ConfigKeyArn"}

    verdict = evaluated(platform, swap)

    assert any("PriceChunkRole may s3:PutObject" in line for line in verdict.missing)
    assert any("PriceChunkRole (UseDataKeyForObjects)" in line for line in verdict.idle)


def calls(resource: str, **arguments: Any) -> Change:
    """Lets the workflow's last task call something else."""

    def change(resources: dict[str, Any]) -> None:
        states = resources["OrderIntake"]["Properties"]["Definition"]["States"]
        states["Announce"] |= {
            "Resource": f"arn:aws:states:::{resource}",
            "Arguments": arguments,
        }

    return change


def test_a_task_needs_what_its_integration_needs(platform: Platform) -> None:
    machine = f"arn:aws:states:{WHERE}:stateMachine:other"

    def needed(change: Change) -> set[str]:
        lines = evaluated(platform, change).missing
        return {line.split(" does not allow ")[1] for line in lines}

    start = {f"states:StartExecution on {machine}"}
    assert needed(calls("states:startExecution", StateMachineArn=machine)) == start
    execution = f"arn:aws:states:{WHERE}:execution:other:e"
    rule = f"arn:aws:events:{WHERE}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
    assert needed(calls("states:startExecution.sync:2", StateMachineArn=machine)) == {
        *start,
        *(f"states:{action} on {execution}" for action in ("DescribeExecution", "StopExecution")),
        *(f"events:{action} on {rule}" for action in ("PutTargets", "PutRule", "DescribeRule")),
    }
    table = f"arn:aws:dynamodb:{WHERE}:table/other"
    assert needed(calls("dynamodb:putItem", TableName="other")) == {f"dynamodb:PutItem on {table}"}
    queue, topic = (f"arn:aws:{each}:{WHERE}:other" for each in ("sqs", "sns"))
    address = "https://sqs.eu-central-1.amazonaws.com/000000000000/other"
    assert needed(calls("sqs:sendMessage", QueueUrl=address)) == {f"sqs:SendMessage on {queue}"}
    assert needed(calls("sns:publish", TopicArn=topic)) == {f"sns:Publish on {topic}"}
    with pytest.raises(UserError, match="Announce uses glue:startJobRun, of which"):
        evaluated(platform, calls("glue:startJobRun"))


def test_unused_grant_is_reported_unless_its_role_says_why_it_stays(platform: Platform) -> None:
    role = "OrderIntakeRole"

    def unexplained(resources: dict[str, Any]) -> None:
        del resources[role]["Metadata"]

    idle = evaluated(platform, unexplained).idle
    assert len(idle) == 2
    watching = [line for line in idle if "(WatchChildrenAsDocumented): states:" in line]
    assert len(watching) == 2


def test_needless_exemption_is_reported(platform: Platform) -> None:
    def explained(resources: dict[str, Any]) -> None:
        resources["PriceChunkRole"]["Metadata"] = {
            "UnusedGrants": {"ReadUploads s3:GetObjectVersion": "as it is"}
        }

    (reported,) = evaluated(platform, explained).idle
    assert reported.startswith("PriceChunkRole: ReadUploads s3:GetObjectVersion is in UnusedGrants")


def test_what_functions_ask_for_is_granted_and_nothing_else(platform: Platform) -> None:
    lines = asked.kept()
    [reading] = [line for line in lines if line.startswith("PriceChunkRole s3:GetObjectVersion ")]
    deleting = reading.replace("s3:GetObjectVersion", "s3:DeleteObject")

    less = evaluate(TEMPLATE, platform, asked.needs(lines - {reading}, TEMPLATE.handlers))
    more = evaluate(TEMPLATE, platform, asked.needs(lines | {deleting}, TEMPLATE.handlers))

    assert any(line.startswith("PriceChunkRole (ReadUploads): s3:Get") for line in less.idle)
    (reported,) = more.missing
    assert reported.startswith(
        "PriceChunk asks for it (recorded_actions.txt): PriceChunkRole does not allow"
    )


def test_a_line_that_is_no_request_is_reported() -> None:
    with pytest.raises(UserError, match=r"no role, action and resource: nonsense"):
        asked.needs({"nonsense"}, {})


def test_recorded_requests_are_those_of_functions_that_were_let_in() -> None:
    role, bucket = (
        "arn:aws:sts::1:assumed-role/order-intake-local-PriceChunkRole-1",
        "arn:aws:s3:::b",
    )
    session = f"{role.replace('assumed-role', 'role')}/order-intake-local-PriceChunk"
    answer = [
        [session, "s3:PutObject", f"{bucket}/work/*", "Allow"],
        [session, "s3:GetObject", f"{bucket}/work/*", "ImplicitDeny"],
        ["arn:aws:iam::1:user/somebody", "s3:DeleteObject", f"{bucket}/work/*", "Allow"],
    ]

    assert asked.recorded(answer) == {f"PriceChunkRole s3:PutObject {bucket}/work/*"}
    (refused,) = asked.refused(answer)
    assert refused.startswith("order-intake-local-PriceChunk was refused s3:GetObject on")


@pytest.mark.parametrize("name", ["NotAction", "NotResource", "NotPrincipal"])
def test_what_is_said_by_exceptions_is_reported(name: str) -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", name: "one"}
    with pytest.raises(UserError, match=rf"somebody \(1\): {name} allows too much to be checked"):
        list(grants("somebody", {"Statement": statement}))


def test_what_is_denied_is_reported() -> None:
    statement = {"Sid": "No", "Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}

    with pytest.raises(UserError, match=r"somebody \(No\): what is denied is not checked"):
        list(grants("somebody", {"Statement": [statement]}))
    with pytest.raises(UserError, match=r"somebody \(No\): a denial for some is not checked"):
        list(denials("somebody", {"Statement": [statement]}))


@pytest.mark.parametrize(
    ("condition", "context", "denied"),
    [
        ({}, {}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, {}, False),
        ({"Bool": {"aws:SecureTransport": "false"}}, {"aws:SecureTransport": "false"}, True),
        ({"Null": {"a": "false"}}, {}, False),
        ({"Null": {"a": "false"}}, {"A": "x"}, True),
        ({"Null": {"a": "true"}}, {}, True),
        ({"StringNotEquals": {"a": ["x", "y"]}}, {"a": "y"}, False),
        ({"StringNotEquals": {"a": ["x", "y"]}}, {"a": "z"}, True),
        ({"StringNotEquals": {"a": "x"}}, {}, True),  # what is missing differs
        ({"StringEquals": {"a": "x"}}, {}, False),
        ({"Null": {"a": "false"}, "StringNotEquals": {"a": "x"}}, {}, False),
    ],
)
def test_conditions_of_denials_hold_as_documented(
    condition: Document, context: dict[str, str], denied: bool
) -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:b/*"}

    (denial,) = denials("bucket", {"Statement": statement | {"Condition": condition}})

    request = Request("somebody", "s3:PutObject", "arn:b/key", "a way", context)
    assert denial.denies(request) == denied
    assert not denial.denies(replace(request, resource="arn:other/key"))


def of_the_bucket(sid: str, change: Callable[[Document], Document]) -> Change:
    """Changes a statement of the uploads bucket's policy."""

    def changed(resources: dict[str, Any]) -> None:
        document = resources["UploadsBucketPolicy"]["Properties"]["PolicyDocument"]
        document["Statement"] = [
            each | change(each) if each["Sid"] == sid else each for each in document["Statement"]
        ]

    return changed


DENIALS = ("EncryptedConnectionsOnly", "NoOtherEncryption", "NoOtherKey", "NoKeyOfTheSenders")


@pytest.mark.parametrize("sid", DENIALS)
def test_denial_for_everything_stops_the_uploads(platform: Platform, sid: str) -> None:
    lines = evaluated(platform, of_the_bucket(sid, in_all_circumstances)).missing

    assert any("a partner uploads a file: bucket order-intake-local-uploads" in line
               and f"({sid}) denies s3:PutObject" in line for line in lines)  # fmt: skip


@pytest.mark.parametrize("sid", DENIALS)
def test_lost_denial_is_reported(platform: Platform, sid: str) -> None:
    changed = of_the_bucket(sid, lambda statement: {"Resource": "arn:aws:s3:::elsewhere/*"})

    verdict = evaluated(platform, changed)

    assert verdict.undenied, verdict
    assert all("no policy of the bucket denies" in line for line in verdict.undenied)
    assert any(f"({sid}): it denies nothing that must be denied" in line for line in verdict.idle)


@pytest.mark.parametrize(
    "condition",
    [
        {"ArnEquals": {"aws:SourceArn": "arn:aws:events:x:y:z"}},
        {"StringEquals": {"aws:SourceAccount": "000000000000"}},
    ],
)
def test_condition_for_rules_in_the_topics_policy_is_reported(
    platform: Platform, condition: Document
) -> None:
    def bind(resources: dict[str, Any]) -> None:
        for statement in resources["OperatorsPolicy"]["Properties"]["PolicyDocument"]["Statement"]:
            if statement["Sid"] == "Rules":
                statement["Condition"] = condition

    lines = evaluated(platform, bind).missing

    assert any(line.startswith("ApprovalRequested calls Operators: topic Oper") for line in lines)


def test_unknown_condition_is_reported() -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    condition = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}

    with pytest.raises(UserError, match=r"somebody \(1\): the condition IpAddress is not checked"):
        list(grants("somebody", {"Statement": [statement | {"Condition": condition}]}))


ANYTHING = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}]}


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::IAM::Policy", {"PolicyName": "more", "PolicyDocument": ANYTHING}),
        ("AWS::IAM::User", {"UserName": "somebody"}),
        ("AWS::Lambda::LayerVersionPermission", {"Principal": "*"}),
        ("AWS::DynamoDB::Table", {"ResourcePolicy": {"PolicyDocument": ANYTHING}}),
        ("AWS::KMS::Key", {"KeyPolicy": ANYTHING}),
        ("AWS::Events::EventBusPolicy", {"StatementId": "all", "Statement": ANYTHING}),
        ("AWS::IAM::Role", {"PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
    ],
)
def test_permissions_where_nobody_reads_them_are_reported(
    platform: Platform, kind: str, properties: dict[str, Any]
) -> None:
    def more(resources: dict[str, Any]) -> None:
        resources["More"] = {"Type": kind, "Properties": properties}

    with pytest.raises(UserError, match=rf"^More \({kind}.*: permissions that stand here are not"):
        evaluated(platform, more)


def test_bucket_policy_is_evaluated(platform: Platform) -> None:
    def anybody(resources: dict[str, Any]) -> None:
        policy = resources["UploadsBucketPolicy"]["Properties"]["PolicyDocument"]
        policy["Statement"].append(
            {"Sid": "All", "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}
        )

    (reported,) = evaluated(platform, anybody).idle
    assert reported.startswith("bucket order-intake-local-"), reported


@pytest.mark.parametrize(
    ("at", "thing"),
    [
        ("aws_kms_grant.more", {}),
        ("aws_secretsmanager_secret_policy.more", {"policy": "{}"}),
        ("aws_cloudwatch_event_bus_policy.more", {}),
        ("aws_iam_role_policy.more", {}),
        ('aws_secretsmanager_secret.this["more"]', {"policy": "{}"}),
    ],
)
def test_permissions_of_terraform_where_nobody_reads_them_are_reported(
    monkeypatch: pytest.MonkeyPatch, at: str, thing: dict[str, str]
) -> None:
    kept: dict[str, dict[str, str]] = {
        "aws_cloudwatch_event_bus.orders": {},
        "aws_sqs_queue.orders_dlq": {},
    }
    monkeypatch.setattr(terraform, "planned_in_test", lambda folder: {**kept, at: thing})

    with pytest.raises(UserError, match=rf"^{re.escape(at)}: permissions that stand here are not"):
        Platform.planned()


@pytest.mark.parametrize("name", ["SmallFileUploaded", "DailyReconciliationSchedule"])
def test_lost_dead_letter_queue_is_reported(platform: Platform, name: str) -> None:
    def lose(resources: dict[str, Any]) -> None:
        properties = resources[name]["Properties"]
        for target in properties.get("Targets", [properties.get("Target")]):
            del target["DeadLetterConfig"]

    with pytest.raises(UserError, match=f"^{name}: its target has no DeadLetterConfig"):
        evaluated(platform, lose)


def test_lost_destination_of_a_function_is_reported(platform: Platform) -> None:
    def lose(resources: dict[str, Any]) -> None:
        (config,) = [
            each["Properties"]
            for each in resources.values()
            if each["Type"] == "AWS::Lambda::EventInvokeConfig"
            and "IntakeSmallFile" in str(each["Properties"]["FunctionName"])
        ]
        config["DestinationConfig"] = {}

    with pytest.raises(UserError, match=r"^IntakeSmallFile has no OnFailure destination"):
        evaluated(platform, lose)


@pytest.mark.parametrize(
    ("holder", "sid", "resource"),
    [
        ("OrderIntakeRole", "CallFunctions", f"lambda:{WHERE}:function:order-intake-local-*"),
        ("OrderIntakeRole", "KeepLedger", f"dynamodb:{WHERE}:table/order-intake-local-*"),
        ("PriceChunkRole", "WriteLogs", f"logs:{WHERE}:log-group:/aws/lambda/order-intake-*"),
        ("IntakeSmallFileRole", "ReadSecrets", f"secretsmanager:{WHERE}:secret:order-intake-*"),
    ],
)
def test_neighbours_of_the_same_stage_are_reported(
    platform: Platform, holder: str, sid: str, resource: str
) -> None:
    def widen(resources: dict[str, Any]) -> None:
        for document in documents(resources[holder]):
            for statement in document["Statement"]:
                if statement.get("Sid") == sid:
                    statement["Resource"] = f"arn:aws:{resource}"

    lines = evaluated(platform, widen).wide
    assert any(line.startswith(f"{holder} ({sid})") for line in lines), lines


@pytest.mark.parametrize(
    ("context", "allowed"),
    [({"kms:ViaService": "sqs.x"}, True), ({"kms:ViaService": "sns.x"}, False), ({}, False)],
)
def test_conditions_are_looked_at(context: dict[str, str], allowed: bool) -> None:
    statement = {
        "Effect": "Allow",
        "Action": "kms:Decrypt",
        "Resource": "arn:key/*",
        "Condition": {"StringEquals": {"kms:ViaService": ["s3.x", "sqs.x"]}},
    }
    request = Request("somebody", "kms:Decrypt", "arn:key/a", "a way", context)

    held = grants("somebody", {"Statement": statement})

    assert any(grant.allows(request) for grant in held) == allowed


def merged(*changes: Document) -> Change:
    """Adds resources, or sets properties of those that are there."""

    def change(resources: dict[str, Any]) -> None:
        for new in changes:
            for name, body in new.items():
                there = resources.setdefault(name, {"Type": body["Type"], "Properties": {}})
                there["Properties"] = there["Properties"] | body["Properties"]

    return change


QUEUE: Document = {
    "Jobs": {
        "Type": "AWS::SQS::Queue",
        "Properties": {"QueueName": "order-intake-local-jobs", "KmsMasterKeyId": DATA_KEY},
    }
}
STREAM: Document = {
    "Ledger": {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {"StreamSpecification": {"StreamViewType": "KEYS_ONLY"}},
    }
}


def mapping(source: Document) -> Document:
    """Lambda reads a source for AssessFile."""
    properties = {"EventSourceArn": source, "FunctionName": {"Ref": "AssessFile"}}
    return {"Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}}


def lacking(verdict: Verdict, role: str) -> set[str]:
    """The actions that a role lacks."""
    said = [line.split(f"{role} does not allow ")[1:] for line in verdict.missing]
    return {each[0].partition(" on ")[0] for each in said if each}


def test_who_reads_a_queue_must_be_allowed_to(platform: Platform) -> None:
    change = merged(QUEUE, mapping({"Fn::GetAtt": ["Jobs", "Arn"]}))

    assert lacking(evaluated(platform, change), "AssessFileRole") == {
        "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "kms:Decrypt",
    }  # fmt: skip


def test_who_reads_an_encrypted_queue_must_be_allowed_to_use_its_key(platform: Platform) -> None:
    def allow(resources: dict[str, Any]) -> None:
        merged(QUEUE, mapping({"Fn::GetAtt": ["Jobs", "Arn"]}))(resources)
        (document,) = [each for each in documents(resources["AssessFileRole"])
                       if any("ReadWork" in str(one) for one in each["Statement"])]  # fmt: skip
        actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        document["Statement"].append(
            {"Sid": "Read", "Effect": "Allow", "Action": actions,
             "Resource": {"Fn::GetAtt": ["Jobs", "Arn"]}}
        )  # fmt: skip

    assert lacking(evaluated(platform, allow), "AssessFileRole") == {"kms:Decrypt"}


def test_who_reads_a_tables_stream_must_be_allowed_to(platform: Platform) -> None:
    change = merged(STREAM, mapping({"Fn::GetAtt": ["Ledger", "StreamArn"]}))

    assert lacking(evaluated(platform, change), "AssessFileRole") == {
        f"dynamodb:{verb}"
        for verb in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
    }


def test_a_function_in_a_vpc_must_be_allowed_to_join_it(platform: Platform) -> None:
    network = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    function = {"Type": "AWS::Lambda::Function", "Properties": {"VpcConfig": network}}

    found = lacking(evaluated(platform, merged({"AssessFile": function})), "AssessFileRole")

    assert {"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"} <= found


def test_a_rule_that_sends_to_a_queue_must_be_allowed_to(platform: Platform) -> None:
    def send(resources: dict[str, Any]) -> None:
        merged(QUEUE)(resources)
        (target,) = resources["OutcomeAnnounced"]["Properties"]["Targets"]
        target["Arn"] = {"Fn::GetAtt": ["Jobs", "Arn"]}

    lines = evaluated(platform, send).missing

    assert any("calls Jobs: queue Jobs does not allow events.amazonaws.com" in line
               for line in lines), lines  # fmt: skip
    assert any("calls Jobs: key data does not allow" in line for line in lines), lines


def test_a_function_that_is_not_traced_needs_no_tracing(platform: Platform) -> None:
    def untraced(resources: dict[str, Any]) -> None:
        for resource in resources.values():
            resource["Properties"].pop("TracingConfig", None)
            resource["Properties"].pop("TracingConfiguration", None)

    verdict = evaluated(platform, untraced)

    assert verdict.missing == []
    assert all("xray:" in line for line in verdict.idle)


def test_the_stacks_own_name_is_known(platform: Platform) -> None:
    name = {"QueueName": {"Fn::Sub": "${AWS::StackName}-jobs"}}
    queue = {"Jobs": {"Type": "AWS::SQS::Queue", "Properties": name}}

    assert evaluated(platform, merged(queue)).missing == []


@pytest.mark.parametrize(
    ("name", "kind", "properties", "reported"),
    [
        ("Files", "AWS::EFS::FileSystem", {}, "a resource of type AWS::EFS::FileSystem"),
        ("AssessFile", "AWS::Lambda::Function", {"FileSystemConfigs": []}, "FileSystemConfigs"),
        ("AssessFile", "AWS::Lambda::Function", {"Layers": ["arn:x"]}, "Layers"),
        ("UploadsBucket", "AWS::S3::Bucket", {"ReplicationConfiguration": {}}, "Replication"),
        (
            "UploadsBucket",
            "AWS::S3::Bucket",
            {"NotificationConfiguration": {"QueueConfigurations": []}},
            "NotificationConfiguration.QueueConfigurations",
        ),
        (
            "More",
            "AWS::SNS::Subscription",
            {"Protocol": "sqs", "TopicArn": "arn:x"},
            "a subscription by sqs",
        ),
    ],
)
def test_what_needs_what_is_not_known_is_refused(
    platform: Platform, name: str, kind: str, properties: Document, reported: str
) -> None:
    change = merged({name: {"Type": kind, "Properties": properties}})

    with pytest.raises(
        UserError, match=rf"^{name}.*what {re.escape(reported)}.*; then add it to known"
    ):
        evaluated(platform, change)


def test_target_of_an_unknown_kind_is_refused(platform: Platform) -> None:
    def send(resources: dict[str, Any]) -> None:
        (target,) = resources["OutcomeAnnounced"]["Properties"]["Targets"]
        target["Arn"] = {"Fn::GetAtt": ["OutcomeAnnounced", "Arn"]}

    with pytest.raises(
        UserError, match=r"^OutcomeAnnounced has a target of type AWS::Events::Rule"
    ):
        evaluated(platform, send)


def test_source_of_an_unknown_kind_is_refused(platform: Platform) -> None:
    with pytest.raises(
        UserError,
        match=r"^Mapping reads from Operators; add to workbench/permissions",
    ):
        evaluated(platform, merged(mapping({"Ref": "Operators"})))


def attached(name: str) -> Change:
    """Gives a role a policy of AWS's own."""

    def attach(resources: dict[str, Any]) -> None:
        arns = resources["AssessFileRole"]["Properties"]["ManagedPolicyArns"]
        arns.append(f"arn:aws:iam::aws:policy/{name}")

    return attach


def test_a_policy_that_sam_attaches_grants_and_is_not_compared(platform: Platform) -> None:
    def without_logs(resources: dict[str, Any]) -> None:
        attached("service-role/AWSLambdaBasicExecutionRole")(resources)
        without("AssessFileRole", "WriteLogs")(resources)

    assert evaluated(platform, without_logs).lines == []


def test_another_policy_of_awss_own_is_refused(platform: Platform) -> None:
    with pytest.raises(UserError, match=r"AdministratorAccess, which is not known here; write out"):
        evaluated(platform, attached("AdministratorAccess"))


def test_a_broken_test_of_terraforms_own_is_not_in_the_way(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "terraform"
    shutil.copytree(TERRAFORM, copy)
    (copy / "tests" / "broken.tftest.hcl").write_text("run {")
    monkeypatch.setattr(terraform, "TERRAFORM", copy)
    monkeypatch.setenv("WORKBENCH_LOCAL_DIR", str(tmp_path / "local"))

    assert Platform.planned() == platform


def test_unknown_resource_of_terraform_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    things: dict[str, Document] = {
        "aws_cloudwatch_event_bus.orders": {},
        "aws_sqs_queue.orders_dlq": {},
        "aws_cloudwatch_event_target.more": {},
    }
    monkeypatch.setattr(terraform, "planned_in_test", lambda folder: things)

    with pytest.raises(UserError, match=r"^aws_cloudwatch_event_target.more: what a resource of"):
        Platform.planned()


def test_every_state_machine_is_evaluated(platform: Platform) -> None:
    second = {
        "StateMachineName": "order-intake-local-Second",
        "RoleArn": {"Fn::GetAtt": ["OrderIntakeRole", "Arn"]},
        "Definition": {
            "StartAt": "Put",
            "States": {
                "Put": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::dynamodb:putItem",
                    "Arguments": {"TableName": "order-intake-local-ledger"},
                    "End": True,
                }
            },
        },
    }
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": second}

    (reported,) = evaluated(platform, merged({"Second": machine})).missing
    assert reported.startswith("Second does Put: OrderIntakeRole does not allow dynamodb:PutItem")

    del second["Definition"]
    with pytest.raises(UserError, match=r"^Second has no definition in a file"):
        evaluated(platform, merged({"Second": machine}))
