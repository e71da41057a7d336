"""What is needed against what is granted, and what is granted against what is used."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from workbench.application.interface import application
from workbench.deployment import source_template
from workbench.deployment.resolved import PREFIX
from workbench.permissions import known
from workbench.permissions.need import Need
from workbench.permissions.platform import Platform
from workbench.permissions.policies import Denial, Grant, Request, denials, grants
from workbench.permissions.template import Template
from workbench.permissions.ways import needs
from workbench.stages.errors import UserError

# What needs no condition where there is one on another key: an ARN has its account in it, and who
# may send to a queue through SQS is said by another statement.
IMPLIED = {
    "aws:SourceAccount": "aws:SourceArn",
    "kms:EncryptionContext:aws:sqs:arn": "kms:ViaService",
}

# What comes after the project and the stage in a resource's name.
_OWN_NAME = re.compile(rf"({PREFIX}[-/])[^/:]+")

# What may hold permissions, by its type's or its property's name; and what of it is read here.
_GIVES = re.compile(r"Polic|Permission|Grant|^AWS::IAM::")
_CARRIES = re.compile(r"Polic(y|ies)|PermissionsBoundary")
_READ = {
    "AWS::IAM::Role": {"AssumeRolePolicyDocument", "Policies", "ManagedPolicyArns"},
    "AWS::IAM::ManagedPolicy": {"ManagedPolicyName", "PolicyDocument"},
    "AWS::SQS::Queue": {"RedrivePolicy"},  # where messages go, not who may send them
    "AWS::SQS::QueuePolicy": {"PolicyDocument"},
    "AWS::SNS::TopicPolicy": {"PolicyDocument"},
    "AWS::S3::BucketPolicy": {"PolicyDocument"},
    "AWS::Lambda::Permission": {"Principal"},
}

type Policies = Mapping[str, list[Grant]]  # by whose they are, as `Need.where` names it


@dataclass(frozen=True)
class Verdict:
    """What is wrong, each in a line; and how much was looked at."""

    missing: list[str]
    undenied: list[str]
    idle: list[str]
    wide: list[str]
    needed: int
    granted: int

    @property
    def lines(self) -> list[str]:
        """Everything that is wrong, said so that it can be mended."""
        return [
            *(f"missing: {each}" for each in self.missing),
            *(f"not denied: {each}" for each in self.undenied),
            *(f"granted, but used by nobody: {each}" for each in self.idle),
            *(f"granted too widely: {each}" for each in self.wide),
        ]


def evaluate(template: Template, platform: Platform, asked: Iterable[Need]) -> Verdict:
    """Evaluate the template and Terraform's plan; `asked` is what functions ask for themselves."""
    policies = policies_of(template) | platform.policies
    known.check(template)
    wanted, denied = [*needs(template, platform), *asked], denials_of(template)
    return Verdict(
        missing=_missing(policies, wanted, denied),
        undenied=_undenied(denied, application().unwanted(template)),
        idle=[
            *_idle(policies, wanted, template.unused_grants),
            *_idle_denials(denied, application().unwanted(template)),
        ],
        wide=_wide(policies, wanted, denied, template.unused_grants),
        needed=len(wanted),
        granted=sum(len(held) for held in policies.values()),
    )


def policies_of(template: Template) -> dict[str, list[Grant]]:
    """All grants of the template by whose policy they stand in.

    Those of a managed policy stand with the roles that have it, and by themselves where none has.
    """
    _all_is_read(template)
    found: dict[str, list[Grant]] = {}
    written = source_template.load()["Resources"]
    for role, properties in template.of_type("AWS::IAM::Role").items():
        found[role] = template.grants_of(role)
        trust = properties["AssumeRolePolicyDocument"]
        found[f"trust {role}"] = [
            replace(grant, is_of_aws=role not in written)  # else SAM made it
            for grant in grants(f"trust {role}", trust)
        ]
    with_roles = {grant.holder for held in found.values() for grant in held}
    for name, policy in template.of_type("AWS::IAM::ManagedPolicy").items():
        if name not in with_roles:
            found[name] = list(grants(name, policy["PolicyDocument"]))
    queues = {each["QueueName"]: name for name, each in template.of_type("AWS::SQS::Queue").items()}
    for policy in template.of_type("AWS::SQS::QueuePolicy").values():
        for queue in policy["Queues"]:
            holder = f"queue {queues.get(queue, queue)}"
            found.setdefault(holder, []).extend(grants(holder, policy["PolicyDocument"]))
    for policy in template.of_type("AWS::SNS::TopicPolicy").values():
        for topic in policy["Topics"]:
            holder = f"topic {template.named(topic)}"
            found.setdefault(holder, []).extend(grants(holder, policy["PolicyDocument"]))
    for policy in template.of_type("AWS::S3::BucketPolicy").values():
        holder = f"bucket {policy['Bucket']}"
        found.setdefault(holder, []).extend(grants(holder, policy["PolicyDocument"], may_deny=True))
    for permission in template.of_type("AWS::Lambda::Permission").values():
        name = permission["FunctionName"].rpartition("-")[2]
        found.setdefault(f"function {name}", []).append(_of_permission(name, permission))
    return found


def denials_of(template: Template) -> list[Denial]:
    """What the policies of buckets deny."""
    return [
        denial
        for policy in template.of_type("AWS::S3::BucketPolicy").values()
        for denial in denials(f"bucket {policy['Bucket']}", policy["PolicyDocument"])
    ]


def _all_is_read(template: Template) -> None:
    """Refuse what may hold permissions and is not read here."""
    for name, body in template.resources.items():
        kind, properties = body["Type"], body["Properties"]
        known = _READ.get(kind, set())
        unread = {each for each in properties if _CARRIES.search(each)} - known
        if unread or (_GIVES.search(kind) and not known):
            what = f"{kind}: {', '.join(sorted(unread))}" if unread else kind
            raise UserError(
                f"{name} ({what}): permissions that stand here are not checked; give them by the "
                "policies of a role, or teach workbench/permissions/evaluation.py to read them"
            )


def _of_permission(function: str, permission: Mapping[str, str]) -> Grant:
    bound = {f"aws:{key}": permission[key] for key in ("SourceArn", "SourceAccount")
             if key in permission}  # fmt: skip
    return Grant(
        holder=f"function {function}",
        sid="permission",
        action=permission["Action"],
        resource="*",
        condition={"ArnLike": bound} if bound else {},
        principal=permission["Principal"],
    )


def _missing(policies: Policies, wanted: Iterable[Need], denied: list[Denial]) -> list[str]:
    """What is needed and not allowed, or denied, each with the way of a file that it breaks."""
    found = []
    for need in wanted:
        request = need.request
        what = f"{request.action} on {request.resource}"
        if not any(grant.allows(request) for grant in policies.get(need.where, [])):
            found.append(f"{request.way}: {need.where} does not allow {_whom(need)}{what}")
        found += [f"{request.way}: {each} denies {what}" for each in denied if each.denies(request)]
    return list(dict.fromkeys(found))


def _undenied(denied: list[Denial], requests: Iterable[Request]) -> list[str]:
    """What must be denied whoever asks, and is not."""
    return [
        f"{request.way}: no policy of the bucket denies {request.action} on {request.resource}"
        for request in requests
        if not any(denial.denies(request) for denial in denied)
    ]


def _idle_denials(denied: list[Denial], requests: Iterable[Request]) -> list[str]:
    """The denials of which workbench/permissions/ways.py does not know what they are there for."""
    asked = list(requests)
    return [
        f"{denial}: it denies nothing that must be denied"
        for denial in denied
        if not any(denial.denies(request) for request in asked)
    ]


def _whom(need: Need) -> str:
    """Nobody is named where a role's own policies are meant."""
    return "" if need.request.who == need.where else f"{need.request.who} "


def _idle(
    policies: Policies, wanted: Iterable[Need], exempt: Mapping[tuple[str, str], str]
) -> list[str]:
    """The grants that nothing needs, without those exempted; and exemptions that exempt nothing.

    A managed policy that several roles have is checked for each of them.
    """
    by_holder: dict[str, list[Request]] = {}
    for need in wanted:
        by_holder.setdefault(need.where, []).append(need.request)
    found, idle = [], set()
    for where, held in policies.items():
        for grant in held:
            used = any(grant.allows(request) for request in by_holder.get(where, ()))
            if used or grant.is_of_aws:
                continue
            idle.add(grant.place)
            if grant.place not in exempt:
                found.append(f"{where}: {grant}" if where != grant.holder else str(grant))
    needless = [
        f"{holder}: {place} is in UnusedGrants, and is no unused grant of it"
        for holder, place in exempt
        if (holder, place) not in idle
    ]
    return [*found, *needless]


def _wide(
    policies: Policies,
    wanted: Iterable[Need],
    denied: list[Denial],
    exempt: Mapping[tuple[str, str], str],
) -> list[str]:
    """The grants that allow more than what they are there for, and what they allow."""
    found = []
    for need in wanted:
        held = [each for each in policies.get(need.where, []) if each.allows(need.request)]
        for whose, other in _strangers(need) if held else ():
            wide = [grant for grant in held if grant.allows(other) and not grant.is_of_aws]
            if wide and not any(each.denies(other) for each in denied):
                found += [f"{grant} allows it {whose}, too" for grant in wide]
    found += [
        f"{grant} is everywhere, and nothing is seen to use it"
        for held in policies.values()
        for grant in held
        if grant.place in exempt and grant.resource == "*"
    ]
    return list(dict.fromkeys(found))


def _strangers(need: Need) -> Iterator[tuple[str, Request]]:
    """Requests that differ from the needed one in a single thing, and must not be allowed."""
    request = need.request
    for key in request.context:
        if IMPLIED.get(key) not in request.context:
            other = {**request.context, key: "another"}
            yield f"for another {key}", replace(request, context=other)
    service = request.action.partition(":")[0]
    if not request.action.endswith("*"):
        yield f"for all of {service}:*", replace(request, action=f"{service}:Another")
    # The policies of keys, trust and functions are about what they belong to, whatever they say.
    if not need.where.startswith(("key ", "trust ", "function ")):
        for elsewhere in (
            request.resource.replace(PREFIX, "another").replace(":key/", ":key/another-"),
            _OWN_NAME.sub(r"\1another-AbCdEf", request.resource),
        ):
            if elsewhere != request.resource:
                yield "on other resources", replace(request, resource=elsewhere)
    bucket, _, key = request.resource.partition("/")
    if key and bucket.startswith("arn:aws:s3:::"):
        elsewhere = f"{bucket}/elsewhere/{key.partition('/')[2]}"
        yield "on other objects", replace(request, resource=elsewhere)
