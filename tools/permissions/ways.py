"""What must be allowed so that a file gets through, worked out from template and definition.

Each need says whose policy must allow it, and on which way of a file it is met. The local cloud
does not judge keys, nor the roles of the workflow, the rules and the schedule; this does.

The rules are AWS's, service by service:
- Lambda, S3, DynamoDB, Secrets Manager and SQS use a key with the rights of whoever calls them.
- EventBridge, CloudWatch alarms and CloudWatch Logs act by themselves: the key's policy names them.
  https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
  https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tools.errors import UserError
from tools.permissions.platform import Platform
from tools.permissions.policies import Request
from tools.permissions.template import (
    CONFIG_KEY,
    DATA_KEY,
    ORDERS_BUS,
    ORDERS_QUEUE,
    PREFIX,
    WHERE,
    Template,
)
from tools.stage import LOCAL_ACCOUNT, LOCAL_REGION
from tools.workflow.definition import machines

EVENTS, ALARMS = "events.amazonaws.com", "cloudwatch.amazonaws.com"
LOGS, LAMBDA = f"logs.{LOCAL_REGION}.amazonaws.com", "lambda.amazonaws.com"
SECRETS = "secretsmanager.amazonaws.com"
STATES, SCHEDULER = "states.amazonaws.com", "scheduler.amazonaws.com"
KEYS = {DATA_KEY: "key data", CONFIG_KEY: "key config"}
OWN_ACCOUNT = {"aws:SourceAccount": LOCAL_ACCOUNT}
# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
LOG_DELIVERY = (
    "CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery",
    "ListLogDeliveries", "PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups",
)  # fmt: skip
# https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
TRACING = ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
TABLE_KEY = ("Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey", "DescribeKey")


@dataclass(frozen=True)
class Need:
    """A request, and whose policy must allow it: a role's logical id, `key data`, `queue X` …"""

    where: str
    request: Request


def needs(template: Template, platform: Platform) -> list[Need]:
    """All that must be allowed, in the order of a file's way."""
    return [
        *_account(),
        *_upload(template),
        *_rules(template),
        *_schedules(template),
        *_functions(template),
        *_workflow(template),
        *_orders_bus(platform),
        *_replays(),
        *_alarms(template),
        *_log_groups(template),
        *_rotation(template),
        *(
            need
            for role in template.of_type("AWS::IAM::Role")
            for need in behind(template, platform, role)
        ),
    ]


def _account() -> Iterator[Need]:
    """No permission of a role counts for a key whose policy does not leave it to the account."""
    for key, where in KEYS.items():
        way = "the account's permissions count for the key"
        yield _need(where, f"arn:aws:iam::{LOCAL_ACCOUNT}:root", "kms:*", key, way)


def _need(where: str, who: str, action: str, resource: str, way: str, **context: str) -> Need:
    return Need(where, Request(who, action, resource, way, context))


def _via(service: str, **encryption: str) -> dict[str, str]:
    """The context of a key's use by a service on behalf of its caller."""
    found = {"kms:ViaService": f"{service}.{LOCAL_REGION}.amazonaws.com"}
    names = {"s3": "aws:s3:arn", "table": "aws:dynamodb:tableName", "queue": "aws:sqs:arn"}
    return found | {f"kms:EncryptionContext:{names[k]}": v for k, v in encryption.items()}


def _policy_of(key: str) -> str:
    return KEYS.get(key, "no key")


def _key_uses(
    where: str, who: str, key: str, way: str, actions: tuple[str, ...], context: dict[str, str]
) -> Iterator[Need]:
    for action in actions:
        yield Need(where, Request(who, f"kms:{action}", key, way, context))


# https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
_SSE = "s3:x-amz-server-side-encryption"
_SSE_KEY, _SSE_C = f"{_SSE}-aws-kms-key-id", f"{_SSE}-customer-algorithm"


def _upload(template: Template) -> Iterator[Need]:
    """A partner puts a file: multipart uploads decrypt too. It may name the bucket's key."""
    bucket, way = template.arn("UploadsBucket"), "a partner uploads a file"
    where, tag = "PartnerUpload", {"aws:PrincipalTag/partner": "nordwind"}
    key, put = bucket_key(template), f"{bucket}/incoming/nordwind/a.csv"
    for named in ({}, {_SSE: "aws:kms", _SSE_KEY: key}):
        yield Need(where, Request("partner", "s3:PutObject", put, way, tag | named))
    actions = ("GenerateDataKey", "Decrypt")
    yield from _key_uses(where, "partner", key, way, actions, _via("s3", s3=bucket))


def unwanted(template: Template) -> list[Request]:
    """What the uploads bucket must deny, whoever asks and whatever allows it."""
    bucket = template.arn("UploadsBucket")
    put = f"{bucket}/incoming/nordwind/a.csv"
    plain = {"aws:SecureTransport": "false"}
    other = f"{bucket_key(template)}-of-others"
    return [
        *(
            Request("partner", action, resource, "a connection without TLS", plain)
            for action, resource in (("s3:PutObject", put), ("s3:ListBucket", bucket))
        ),
        *(
            Request("partner", "s3:PutObject", put, f"an upload with {what}", headers)
            for what, headers in {
                "SSE-S3": {_SSE: "AES256"},
                "another kind of encryption and our key": {
                    _SSE: "aws:kms:dsse", _SSE_KEY: bucket_key(template)
                },
                "another key": {_SSE: "aws:kms", _SSE_KEY: other},
                "the account's key aws/s3": {_SSE: "aws:kms"},
                "a key of its own (SSE-C)": {_SSE_C: "AES256"},
            }.items()
        ),
    ]  # fmt: skip


def bucket_key(template: Template) -> str:
    """The key that the uploads bucket encrypts with."""
    encryption = template.resources["UploadsBucket"]["Properties"]["BucketEncryption"]
    (rule,) = encryption["ServerSideEncryptionConfiguration"]
    return str(rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"])


def _replays() -> Iterator[Need]:
    """A replay's rules send what is published into an encrypted queue of its own."""
    context = {"kms:EncryptionContext:aws:sqs:arn": f"arn:aws:sqs:{WHERE}:{PREFIX}-replay-1"}
    way, actions = "a replay watches what is published", ("GenerateDataKey", "Decrypt")
    yield from _key_uses(_policy_of(DATA_KEY), EVENTS, DATA_KEY, way, actions, context)


def _queue_key(template: Template, arn: str) -> str:
    return str(template.resources[template.named(arn)]["Properties"].get("KmsMasterKeyId", ""))


def _rules(template: Template) -> Iterator[Need]:
    """Each rule may call its targets and put what fails into its dead-letter queue."""
    for name, rule in template.of_type("AWS::Events::Rule").items():
        source = {"aws:SourceArn": template.arn(name), **OWN_ACCOUNT}
        for target in rule["Targets"]:
            yield from _target(template, name, target, source)
            queue = _dead_letter_queue(name, target)
            way = f"what {name} cannot deliver goes to its dead-letter queue"
            where = f"queue {template.named(queue)}"
            yield Need(where, Request(EVENTS, "sqs:SendMessage", queue, way, source))
            # No aws:SourceArn or aws:SourceAccount comes with these uses of a key.
            context = {"kms:EncryptionContext:aws:sqs:arn": queue}
            actions = ("GenerateDataKey", "Decrypt")
            key = _queue_key(template, queue)
            yield from _key_uses(_policy_of(key), EVENTS, key, way, actions, context)


def _dead_letter_queue(name: str, target: dict[str, Any]) -> str:
    if "DeadLetterConfig" not in target:
        raise UserError(
            f"{name}: its target has no DeadLetterConfig; what cannot be delivered would be lost"
        )
    return str(target["DeadLetterConfig"]["Arn"])


def _target(
    template: Template, rule: str, target: dict[str, Any], source: dict[str, str]
) -> Iterator[Need]:
    arn = target["Arn"]
    name = template.named(arn)
    kind, way = template.resources[name]["Type"], f"{rule} calls {name}"
    if kind == "AWS::Lambda::Function":
        yield Need(f"function {name}", Request(EVENTS, "lambda:InvokeFunction", arn, way, source))
    elif kind == "AWS::StepFunctions::StateMachine":
        role = template.named(target["RoleArn"])
        yield Need(f"trust {role}", Request(EVENTS, "sts:AssumeRole", "*", way, OWN_ACCOUNT))
        yield _need(role, role, "states:StartExecution", arn, way)
    else:
        # No condition's key comes with it: https://docs.aws.amazon.com/eventbridge/latest/userguide/
        # eb-use-resource-based.html, "Amazon SNS permissions".
        yield Need(f"topic {name}", Request(EVENTS, "sns:Publish", arn, way))
        key = template.resources[name]["Properties"].get("KmsMasterKeyId", "")
        yield from _topic_key(key, EVENTS, arn, way, {})


def _topic_key(
    key: str, service: str, topic: str, way: str, more: dict[str, str]
) -> Iterator[Need]:
    context = {"kms:EncryptionContext:aws:sns:topicArn": topic, **more}
    actions = ("GenerateDataKey", "Decrypt")
    yield from _key_uses(_policy_of(key), service, key, way, actions, context)


def _schedules(template: Template) -> Iterator[Need]:
    for name, schedule in template.of_type("AWS::Scheduler::Schedule").items():
        target = schedule["Target"]
        role, function = template.named(target["RoleArn"]), target["Arn"]
        way = f"the schedule {name} calls {template.named(function)}"
        yield Need(f"trust {role}", Request(SCHEDULER, "sts:AssumeRole", "*", way, OWN_ACCOUNT))
        yield _need(role, role, "lambda:InvokeFunction", function, way)
        queue = _dead_letter_queue(name, target)
        yield _need(role, role, "sqs:SendMessage", queue, f"{way}, or its dead-letter queue")


def _functions(template: Template) -> Iterator[Need]:
    """What each function needs whatever it does."""
    for name, function in template.of_type("AWS::Lambda::Function").items():
        role, way = template.named(function["Role"]), f"{name} starts"
        yield Need(f"trust {role}", Request(LAMBDA, "sts:AssumeRole", "*", way))
        context = {"kms:EncryptionContext:aws:lambda:FunctionArn": template.arn(name)}
        key = function.get("KmsKeyArn", "")
        yield from _key_uses(role, role, key, f"{way}: its environment", ("Decrypt",), context)
        where = template.arn(f"{name}Logs").removesuffix(":*")
        for action in ("CreateLogStream", "PutLogEvents"):
            yield _need(role, role, f"logs:{action}", f"{where}:log-stream:s", f"{name} logs")
        if function["TracingConfig"]["Mode"] == "Active":
            for action in TRACING[:2]:
                yield _need(role, role, f"xray:{action}", "*", f"{name} is traced")
    for config in template.of_type("AWS::Lambda::EventInvokeConfig").values():
        name = config["FunctionName"].rpartition("-")[2]
        role = template.named(template.resources[name]["Properties"]["Role"])
        queue = config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if queue is None:
            raise UserError(
                f"{name} has no OnFailure destination; what it gives up on would be lost"
            )
        yield _need(role, role, "sqs:SendMessage", queue, f"{name} gave up on an event")


def _workflow(template: Template) -> Iterator[Need]:
    """What the states of the definition ask for, and what a Distributed Map, logs and traces do."""
    for name, machine in template.of_type("AWS::StepFunctions::StateMachine").items():
        role = template.named(machine["RoleArn"])
        yield Need(
            f"trust {role}",
            Request(STATES, "sts:AssumeRole", "*", f"{name} starts", OWN_ACCOUNT),
        )
        for one in machines(machine["Definition"]):
            for state, body in one["States"].items():
                yield from _state(template, name, role, state, body)
        for each in LOG_DELIVERY if "LoggingConfiguration" in machine else ():
            yield _need(role, role, f"logs:{each}", "*", f"{name} logs its executions")
        for each in TRACING if machine["TracingConfiguration"]["Enabled"] else ():
            yield _need(role, role, f"xray:{each}", "*", f"{name} is traced")


def _state(
    template: Template, machine: str, role: str, name: str, state: dict[str, Any]
) -> Iterator[Need]:
    way, asked = f"{machine} does {name}", state.get("Arguments", {})
    service = state.get("Resource", "").removeprefix("arn:aws:states:::").removesuffix(
        ".waitForTaskToken"
    )  # fmt: skip
    if service == "lambda:invoke":
        yield _need(role, role, "lambda:InvokeFunction", asked["FunctionName"], way)
    elif service.startswith("dynamodb:"):
        action = service.removeprefix("dynamodb:")
        table = f"arn:aws:dynamodb:{WHERE}:table/{asked['TableName']}"
        yield _need(role, role, f"dynamodb:{action[0].upper()}{action[1:]}", table, way)
    elif service == "events:putEvents":
        for entry in asked["Entries"]:
            bus = f"arn:aws:events:{WHERE}:event-bus/{entry['EventBusName']}"
            yield _need(role, role, "events:PutEvents", bus, way)
    elif service.startswith("states:startExecution"):
        yield from _another_machine(role, way, asked["StateMachineArn"], service)
    elif service or "ResultWriter" in state:
        raise UserError(
            f"{name} uses {service or 'a ResultWriter'}, of which tools/permissions/ways.py does "
            "not know yet what must be allowed"
        )
    if "ItemReader" in state:
        manifest = f"{template.arn('UploadsBucket')}/work/f/manifest.json"
        yield _need(role, role, "s3:GetObject", manifest, f"{way}: its list of items")
    processor = state.get("ItemProcessor", {}).get("ProcessorConfig", {})
    if processor.get("Mode") == "DISTRIBUTED":
        yield _need(role, role, "states:StartExecution", template.arn(machine), way)
        own = template.arn(machine).replace(":stateMachine:", ":execution:")
        for action in ("DescribeExecution", "StopExecution"):
            yield _need(role, role, f"states:{action}", f"{own}/{name}:e", way)


# https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
def _another_machine(role: str, way: str, machine: str, service: str) -> Iterator[Need]:
    """A state that starts an execution; with `.sync` it watches it by a rule of Step Functions'."""
    yield _need(role, role, "states:StartExecution", machine, way)
    if ".sync" in service:
        started = f"{machine.replace(':stateMachine:', ':execution:')}:e"
        for action in ("DescribeExecution", "StopExecution"):
            yield _need(role, role, f"states:{action}", started, way)
        rule = "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
        for action in ("PutTargets", "PutRule", "DescribeRule"):
            yield _need(role, role, f"events:{action}", f"arn:aws:events:{WHERE}:{rule}", way)


def _orders_bus(platform: Platform) -> Iterator[Need]:
    """The orders bus encrypts each event by itself, and has a dead-letter queue of Terraform's."""
    way, key = "the orders bus takes an event", platform.bus_key
    where = _policy_of(key)
    source = {"aws:SourceArn": ORDERS_BUS, **OWN_ACCOUNT}
    # Its archive's, too, whose page names no other condition's key and wants ReEncrypt:
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/encryption-archives.html
    encryption = {"kms:EncryptionContext:aws:events:event-bus:arn": ORDERS_BUS}
    yield Need(where, Request(EVENTS, "kms:DescribeKey", key, way))
    actions = ("GenerateDataKey", "Decrypt", "ReEncryptFrom", "ReEncryptTo")
    yield from _key_uses(where, EVENTS, key, way, actions, encryption)
    way = "what the orders bus cannot encrypt goes to its dead-letter queue"
    key = platform.queue_key
    queue = "queue orders-dlq"
    yield Need(queue, Request(EVENTS, "sqs:SendMessage", ORDERS_QUEUE, way, source))
    context = {"kms:EncryptionContext:aws:sqs:arn": ORDERS_QUEUE}
    yield from _key_uses(_policy_of(key), EVENTS, key, way, actions[:2], context)


def _alarms(template: Template) -> Iterator[Need]:
    for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items():
        source = {"aws:SourceArn": template.arn(name), **OWN_ACCOUNT}
        for topic in alarm["AlarmActions"]:
            way, own = f"the alarm {name} tells the operators", template.named(topic)
            yield Need(f"topic {own}", Request(ALARMS, "sns:Publish", topic, way, source))
            key = template.resources[own]["Properties"].get("KmsMasterKeyId", "")
            yield from _topic_key(key, ALARMS, topic, way, source)


def _log_groups(template: Template) -> Iterator[Need]:
    actions = ("Encrypt", "Decrypt", "ReEncryptFrom", "GenerateDataKey", "DescribeKey")
    for name, group in template.of_type("AWS::Logs::LogGroup").items():
        key, arn = group.get("KmsKeyId", ""), template.arn(name).removesuffix(":*")
        context = {"kms:EncryptionContext:aws:logs:arn": arn}
        yield from _key_uses(_policy_of(key), LOGS, key, f"{name} encrypts", actions, context)


def behind(template: Template, platform: Platform, role: str) -> Iterator[Need]:
    """The uses of keys behind what a role may do: whoever may read a thing must be able to."""
    allowed = {(grant.action, grant.resource) for grant in template.grants_of(role)}
    bucket = template.arn("UploadsBucket")
    table = template.resources["Ledger"]["Properties"]
    functions = {
        template.named(each["Role"]) for each in template.of_type("AWS::Lambda::Function").values()
    }
    for action, resource in sorted(allowed):
        service, _, verb = action.partition(":")
        way = f"{role} may {action} on {resource.rpartition(':')[2]}"
        key = ""
        actions: tuple[str, ...] = ()
        context: dict[str, str] = {}
        if action in ("s3:GetObject", "s3:GetObjectVersion"):
            key, actions, context = bucket_key(template), ("Decrypt",), _via("s3", s3=bucket)
        elif action == "s3:PutObject":
            key, actions = bucket_key(template), ("Decrypt", "GenerateDataKey")
            context = _via("s3", s3=bucket)
        elif service == "dynamodb":
            key, actions = table.get("SSESpecification", {}).get("KMSMasterKeyId", ""), TABLE_KEY
            context = _via("dynamodb", table=table["TableName"])
        elif verb in ("GetSecretValue", "PutSecretValue"):
            key, context = platform.secrets_key, _via("secretsmanager")
            actions = ("Decrypt",) if verb.startswith("Get") else ("Decrypt", "GenerateDataKey")
        elif action == "sqs:SendMessage" and resource != "*":
            key, actions = _queue_key(template, resource), ("Decrypt", "GenerateDataKey")
            context = _via("sqs", queue=resource)
        yield from _key_uses(role, role, key, way, actions, context)
        if key == bucket_key(template) and actions == ("Decrypt",) and role in functions:
            # Without it a missing object is a 403, as a missing permission is; with it a 404. The
            # key that was asked for counts as the prefix (so Ceph, which matches AWS in this).
            # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
            prefix = resource.removeprefix(f"{bucket}/").replace("*", "a.csv")
            way = f"{role} sees that an object is missing"
            yield Need(role, Request(role, "s3:ListBucket", bucket, way, {"s3:prefix": prefix}))


def _rotation(template: Template) -> Iterator[Need]:
    """Secrets Manager calls the function that changes a password."""
    for name, schedule in template.of_type("AWS::SecretsManager::RotationSchedule").items():
        function = schedule["RotationLambdaARN"]
        source = {"aws:SourceArn": schedule["SecretId"], **OWN_ACCOUNT}
        where, way = f"function {template.named(function)}", f"{name} changes a password"
        yield Need(where, Request(SECRETS, "lambda:InvokeFunction", function, way, source))
