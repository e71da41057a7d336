"""What must be allowed: the terms that the modules about single services have in common."""

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.deployment import handover
from workbench.permissions.policies import Request
from workbench.permissions.template import Template
from workbench.stages.stage import LOCAL_ACCOUNT, LOCAL_REGION

# The keys that Terraform hands over, by their ARN.
KEYS = {
    handover.sample(path): f"key {path.split('/')[1]}"
    for path in handover.paths().values()
    if path.startswith("keys/")
}
OWN_ACCOUNT = {"aws:SourceAccount": LOCAL_ACCOUNT}
# https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
TRACING = ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")


@dataclass(frozen=True)
class Need:
    """A request, and whose policy must allow it: a role's logical id, `key data`, `queue X` …"""

    where: str
    request: Request


def need(where: str, who: str, action: str, resource: str, way: str, **context: str) -> Need:
    """One request that must be allowed."""
    return Need(where, Request(who, action, resource, way, context))


def via(service: str, **encryption: str) -> dict[str, str]:
    """The context of a key's use by a service on behalf of its caller."""
    found = {"kms:ViaService": f"{service}.{LOCAL_REGION}.amazonaws.com"}
    names = {"s3": "aws:s3:arn", "table": "aws:dynamodb:tableName", "queue": "aws:sqs:arn"}
    return found | {f"kms:EncryptionContext:{names[k]}": v for k, v in encryption.items()}


def policy_of(key: str) -> str:
    """Whose policy says who may use a key: the key's own."""
    return KEYS.get(key, "no key")


def key_uses(
    where: str, who: str, key: str, way: str, actions: tuple[str, ...], context: dict[str, str]
) -> Iterator[Need]:
    """Uses of a key, each of which must be allowed; none where nothing is encrypted by a key."""
    for action in actions if key else ():
        yield Need(where, Request(who, f"kms:{action}", key, way, context))


def bucket_key(template: Template, name: str) -> str:
    """The key that a bucket of the template encrypts with; "" for none of ours."""
    encryption = template.resources[name]["Properties"].get("BucketEncryption", {})
    for rule in encryption.get("ServerSideEncryptionConfiguration", []):
        return str(rule.get("ServerSideEncryptionByDefault", {}).get("KMSMasterKeyID", ""))
    return ""


def queue_key(template: Template, arn: str) -> str:
    """The key of a queue of the template; "" for none."""
    return str(template.resources[template.named(arn)]["Properties"].get("KmsMasterKeyId", ""))


def is_a(template: Template, arn: str, kind: str) -> bool:
    """Whether an ARN is that of a resource of this type."""
    found: str = template.resources[template.named(arn)]["Type"]
    return found == kind
