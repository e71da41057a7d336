"""What is needed against what is granted, and what is granted against what is used."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tools.errors import UserError
from tools.permissions.policies import Grant, Request, grants
from tools.permissions.template import Template
from tools.permissions.ways import Need, needs
from tools.stage import Stage, running_cloud

# The emulator's own address; `patches/iam.py` answers there.
DECISIONS = "/_order_intake/decisions"
# Grants that no check sees used: (a part of the grant's text, why it stays).
EXEMPT = (
    ("(AccountAdministration)", "without it nobody could change the key any more"),
    (
        "DailySettlementRole (Announce): events:PutEvents",
        "asked when books differ, which events/ never brings about; its unit tests do",
    ),
    (
        "(WatchChildren): states:DescribeExecution on arn:aws:states:eu-central-1:000000000000:"
        "execution:order-intake-local-OrderIntake:*",
        "AWS's documentation of Distributed Map writes this form",
    ),
    (
        "(WatchChildren): states:StopExecution on arn:aws:states:eu-central-1:000000000000:"
        "execution:order-intake-local-OrderIntake:*",
        "AWS's documentation of Distributed Map writes this form",
    ),
)
# Actions that functions use by requests of their own: whether they do, is recorded.
RECORDED = ("s3:", "dynamodb:", "secretsmanager:", "events:", "states:")


def policies_of(template: Template) -> dict[str, list[Grant]]:
    """All grants of the template by whose policy they stand in, as `Need.where` names it."""
    found: dict[str, list[Grant]] = {}
    for role, properties in template.of_type("AWS::IAM::Role").items():
        found[role] = template.grants_of(role)
        trust = properties["AssumeRolePolicyDocument"]
        found[f"trust {role}"] = list(grants(f"trust {role}", trust))
    for name, policy in template.of_type("AWS::IAM::ManagedPolicy").items():
        found.setdefault(name, list(grants(name, policy["PolicyDocument"])))
    for policy in template.of_type("AWS::SQS::QueuePolicy").values():
        (url,) = policy["Queues"]
        queues = template.of_type("AWS::SQS::Queue").items()
        (name,) = [name for name, queue in queues if queue["QueueName"] == url]
        found[f"queue {name}"] = list(grants(f"queue {name}", policy["PolicyDocument"]))
    for policy in template.of_type("AWS::SNS::TopicPolicy").values():
        name = template.named(policy["Topics"][0])
        found[f"topic {name}"] = list(grants(f"topic {name}", policy["PolicyDocument"]))
    for permission in template.of_type("AWS::Lambda::Permission").values():
        name = permission["FunctionName"].rpartition("-")[2]
        grant = Grant(
            holder=f"function {name}",
            sid="permission",
            action=permission["Action"],
            resource=template.arn(name),
            condition={"ArnLike": {"aws:SourceArn": permission["SourceArn"]}},
            principals=(permission["Principal"],),
        )
        found.setdefault(f"function {name}", []).append(grant)
    return found


def missing(policies: Mapping[str, list[Grant]], wanted: Iterable[Need]) -> list[str]:
    """What is needed and not allowed, each with the way of a file that it breaks."""
    return list(
        dict.fromkeys(
            f"{need.request.way}: {need.where} does not allow {need.request.who} "
            f"{need.request.action} on {need.request.resource}"
            for need in wanted
            if not any(_allows(grant, need.request) for grant in policies.get(need.where, []))
        )
    )


def _allows(grant: Grant, request: Request) -> bool:
    """A service needs its name in the policy; a role's own policies name nobody."""
    service = request.who.endswith(".amazonaws.com")
    named = request.who in grant.principals if service else not grant.principals
    return named and grant.covers(request)


def unused(
    policies: Mapping[str, list[Grant]],
    wanted: Iterable[Need],
    recorded: Iterable[Need] | None,
    functions: Collection[str],
) -> list[str]:
    """The grants that nothing needs and no recorded request used, without those exempted.

    Without a record, what only requests of `functions` (roles) use is not judged. A managed policy
    that several roles have is judged for each of them.
    """
    asked = [*wanted, *(recorded or ())]
    by_holder: dict[str, list[Request]] = {}
    for need in asked:
        by_holder.setdefault(need.where, []).append(need.request)
    found = []
    for where, held in policies.items():
        for grant in held:
            if recorded is None and where in functions and grant.action.startswith(RECORDED):
                continue
            if where != grant.holder and not where.endswith("Role"):
                continue
            requests = by_holder.get(where, ())
            if not any(_allows(grant, request) for request in requests):
                found.append(f"{where}: {grant}" if where != grant.holder else str(grant))
    return [text for text in found if not any(part in text for part, _ in EXEMPT)]


def managed_apart(
    policies: Mapping[str, list[Grant]], template: Template
) -> dict[str, list[Grant]]:
    """The policies without the managed ones that stand with their roles."""
    shared = {
        name
        for name in template.of_type("AWS::IAM::ManagedPolicy")
        if any(name == grant.holder for role in template.of_type("AWS::IAM::Role")
               for grant in policies[role])
    }  # fmt: skip
    return {where: held for where, held in policies.items() if where not in shared}


def recorded(answer: Any = None) -> list[Need]:
    """What the functions of the running local cloud asked for and were allowed, since it is up."""
    if answer is None:
        answer = decisions()
    found = []
    for principal, action, resource, decision in answer:
        role = re.search(r"role/order-intake-local-(\w+Role)-", principal)
        if role and decision == "Allow":
            request = Request(role[1], action, resource, "recorded", {"s3:prefix": "incoming/"})
            found.append(Need(role[1], request))
    return found


def refused(answer: Any = None) -> list[str]:
    """What functions of the running local cloud asked for and were not allowed."""
    if answer is None:
        answer = decisions()
    allowed = {tuple(each[:3]) for each in answer if each[3] == "Allow"}
    return [
        f"{principal.rpartition('/')[2]} was refused {action} on {resource}"
        for principal, action, resource, decision in answer
        if decision != "Allow"
        and (principal, action, resource) not in allowed
        # Sessions of functions have their names; tests that try doors have names of their own.
        and principal.rpartition("/")[2].startswith("order-intake-local-")
    ]


def decisions() -> Any:
    """Everything that was asked of IAM since the local cloud is up; UserError when it is not."""
    url = running_cloud()["endpoint"] + DECISIONS
    try:
        with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - http, loopback
            return json.load(response)
    except urllib.error.HTTPError:
        raise UserError("the local cloud is an older one; start it anew: make down up") from None


def platform(stage: Stage) -> dict[str, list[Grant]]:
    """The policies that Terraform made, as they are deployed: both keys', and its queue's."""
    kms, sqs = stage.client("kms"), stage.client("sqs")
    found = {}
    for name in ("data", "config"):
        key = kms.describe_key(KeyId=f"alias/{stage.prefix}-{name}")["KeyMetadata"]["KeyId"]
        document = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
        found[f"key {name}"] = list(grants(f"key {name}", document))
    url = sqs.get_queue_url(QueueName=f"{stage.prefix}-orders-dlq")["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
    document = json.loads(answer["Attributes"]["Policy"])
    found["queue orders-dlq"] = list(grants("queue orders-dlq", document))
    return found


def judge(
    template: Template, terraforms: Mapping[str, list[Grant]] | None, asked: list[Need] | None
) -> tuple[list[str], list[str]]:
    """(what is missing, what is granted and unused); without Terraform's policies, without both."""
    policies = managed_apart(policies_of(template), template) | dict(terraforms or {})
    wanted = needs(template)
    if terraforms is None:
        wanted = [each for each in wanted if each.where not in ("key data", "queue orders-dlq")]
    functions = {
        template.named(function["Role"])
        for function in template.of_type("AWS::Lambda::Function").values()
    }
    return missing(policies, wanted), unused(policies, wanted, asked, functions)


def report(template: Template, terraforms: Mapping[str, list[Grant]], answer: Any) -> list[str]:
    """What is wrong, line by line, and at last a line that counts."""
    absent, idle = judge(template, terraforms, recorded(answer))
    denied = refused(answer)
    policies = managed_apart(policies_of(template), template) | dict(terraforms)
    held = sum(len(each) for each in policies.values())
    return [
        *(f"missing: {each}" for each in absent),
        *(f"granted, but used by nobody: {each}" for each in idle),
        *(f"refused: {each}" for each in denied),
        f"permissions: {len(needs(template))} needed, {len(absent)} missing; {held} granted, "
        f"{len(idle)} unused, {len(EXEMPT)} exempted; {len(denied)} requests refused",
    ]
