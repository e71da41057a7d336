"""What must be allowed so that everything works, worked out from template and definitions.

Each need says whose policy must allow it, and what for. The local cloud
does not check keys, nor the roles of the workflow, the rules and the schedule; this does.

The rules are AWS's, service by service:
- Lambda, S3, DynamoDB, Secrets Manager and SQS use a key with the rights of whoever calls them.
- EventBridge, CloudWatch alarms and CloudWatch Logs act by themselves: the key's policy names them.
  https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
  https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
"""

from collections.abc import Iterator
from typing import Any

from workbench.application.interface import application
from workbench.deployment.resolved import PREFIX, WHERE
from workbench.permissions import announced, function_ways
from workbench.permissions.need import (
    KEYS,
    OWN_ACCOUNT,
    TRACING,
    Need,
    bucket_key,
    is_a,
    key_uses,
    need,
    policy_of,
    queue_key,
    via,
)
from workbench.permissions.platform import Bus, Platform
from workbench.permissions.policies import Request
from workbench.permissions.template import Template
from workbench.stages.errors import UserError
from workbench.stages.stage import LOCAL_ACCOUNT, LOCAL_REGION
from workbench.workflow.definition import machines

QUEUE = "AWS::SQS::Queue"
# How objects use their bucket's key.
OBJECTS = {
    "GetObject": ("Decrypt",),
    "GetObjectVersion": ("Decrypt",),
    "PutObject": ("Decrypt", "GenerateDataKey"),
}
EVENTS, ALARMS = "events.amazonaws.com", "cloudwatch.amazonaws.com"
LOGS = f"logs.{LOCAL_REGION}.amazonaws.com"
SECRETS = "secretsmanager.amazonaws.com"
STATES, SCHEDULER = "states.amazonaws.com", "scheduler.amazonaws.com"
# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
LOG_DELIVERY = (
    "CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery",
    "ListLogDeliveries", "PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups",
)  # fmt: skip
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
TABLE_KEY = ("Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey", "DescribeKey")


def needs(template: Template, platform: Platform) -> list[Need]:
    """All that must be allowed."""
    return [
        *_account(),
        *application().needs(template),
        *_rules(template),
        *_schedules(template),
        *function_ways.needs(template),
        *_workflow(template),
        *_buses(platform),
        *_replays(template),
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
        yield need(where, f"arn:aws:iam::{LOCAL_ACCOUNT}:root", "kms:*", key, way)


def _replays(template: Template) -> Iterator[Need]:
    """A replay's rules send what is published into a queue of its own, with the queues' key."""
    keys = [str(each.get("KmsMasterKeyId", "")) for each in template.of_type(QUEUE).values()]
    context = {"kms:EncryptionContext:aws:sqs:arn": f"arn:aws:sqs:{WHERE}:{PREFIX}-replay-1"}
    way, actions = "a replay watches what is published", ("GenerateDataKey", "Decrypt")
    for key in list(filter(None, keys))[:1]:
        yield from key_uses(policy_of(key), EVENTS, key, way, actions, context)


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
            key = queue_key(template, queue)
            yield from key_uses(policy_of(key), EVENTS, key, way, actions, context)


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
        yield need(role, role, "states:StartExecution", arn, way)
    elif kind == "AWS::SQS::Queue":
        yield Need(f"queue {name}", Request(EVENTS, "sqs:SendMessage", arn, way, source))
        context = {"kms:EncryptionContext:aws:sqs:arn": arn}
        key = queue_key(template, arn)
        yield from key_uses(
            policy_of(key), EVENTS, key, way, ("GenerateDataKey", "Decrypt"), context
        )
    elif kind == "AWS::SNS::Topic":
        # No condition's key comes with it: https://docs.aws.amazon.com/eventbridge/latest/userguide/
        # eb-use-resource-based.html, "Amazon SNS permissions".
        yield Need(f"topic {name}", Request(EVENTS, "sns:Publish", arn, way))
        key = template.resources[name]["Properties"].get("KmsMasterKeyId", "")
        yield from _topic_key(key, EVENTS, arn, way, {})
    else:
        raise UserError(
            f"{rule} has a target of type {kind}, of which workbench/permissions/ways.py does not "
            "know yet what must be allowed; add it to _target"
        )


def _topic_key(
    key: str, service: str, topic: str, way: str, more: dict[str, str]
) -> Iterator[Need]:
    context = {"kms:EncryptionContext:aws:sns:topicArn": topic, **more}
    actions = ("GenerateDataKey", "Decrypt")
    yield from key_uses(policy_of(key), service, key, way, actions, context)


def _schedules(template: Template) -> Iterator[Need]:
    for name, schedule in template.of_type("AWS::Scheduler::Schedule").items():
        target = schedule["Target"]
        role, function = template.named(target["RoleArn"]), target["Arn"]
        if not is_a(template, function, "AWS::Lambda::Function"):
            raise UserError(
                f"{name} calls {template.named(function)}, which is not a function; add to "
                "workbench/permissions/ways.py (_schedules) what a schedule needs for it"
            )
        way = f"the schedule {name} calls {template.named(function)}"
        yield Need(f"trust {role}", Request(SCHEDULER, "sts:AssumeRole", "*", way, OWN_ACCOUNT))
        yield need(role, role, "lambda:InvokeFunction", function, way)
        queue = _dead_letter_queue(name, target)
        yield need(role, role, "sqs:SendMessage", queue, f"{way}, or its dead-letter queue")


def _workflow(template: Template) -> Iterator[Need]:
    """What the states of the definition ask for, and what a Distributed Map, logs and traces do."""
    for name, machine in template.of_type("AWS::StepFunctions::StateMachine").items():
        role = template.named(machine["RoleArn"])
        yield Need(
            f"trust {role}",
            Request(STATES, "sts:AssumeRole", "*", f"{name} starts", OWN_ACCOUNT),
        )
        if "Definition" not in machine:
            raise UserError(f"{name} has no definition in a file; give it a DefinitionUri")
        for one in machines(machine["Definition"]):
            for state, body in one["States"].items():
                yield from _state(template, name, role, state, body)
        for each in LOG_DELIVERY if "LoggingConfiguration" in machine else ():
            yield need(role, role, f"logs:{each}", "*", f"{name} logs its executions")
        for each in TRACING if machine.get("TracingConfiguration", {}).get("Enabled") else ():
            yield need(role, role, f"xray:{each}", "*", f"{name} is traced")


def _state(
    template: Template, machine: str, role: str, name: str, state: dict[str, Any]
) -> Iterator[Need]:
    way, asked = f"{machine} does {name}", state.get("Arguments", {})
    service = state.get("Resource", "").removeprefix("arn:aws:states:::").removesuffix(
        ".waitForTaskToken"
    )  # fmt: skip
    if service == "lambda:invoke":
        yield need(role, role, "lambda:InvokeFunction", asked["FunctionName"], way)
    elif service.startswith("dynamodb:"):
        action = service.removeprefix("dynamodb:")
        table = f"arn:aws:dynamodb:{WHERE}:table/{asked['TableName']}"
        yield need(role, role, f"dynamodb:{action[0].upper()}{action[1:]}", table, way)
    elif service == "events:putEvents":
        for entry in asked["Entries"]:
            bus = f"arn:aws:events:{WHERE}:event-bus/{entry['EventBusName']}"
            for each in announced.of_state(name, entry):
                said = {"events:source": entry["Source"], "events:detail-type": each}
                yield Need(role, Request(role, "events:PutEvents", bus, way, said))
    elif service == "sqs:sendMessage":
        queue = f"arn:aws:sqs:{WHERE}:{asked['QueueUrl'].rpartition('/')[2]}"
        yield need(role, role, "sqs:SendMessage", queue, way)
    elif service == "sns:publish":
        yield need(role, role, "sns:Publish", asked["TopicArn"], way)
    elif service.startswith("states:startExecution"):
        yield from _another_machine(role, way, asked["StateMachineArn"], service)
    elif service or "ResultWriter" in state:
        raise UserError(
            f"{name} uses {service or 'a ResultWriter'}, of which workbench/permissions/ways.py "
            "does not know yet what must be allowed"
        )
    if "ItemReader" in state:
        for bucket in _read_buckets(template, role):
            items = f"{template.arn(bucket)}/{application().items_key}"
            yield need(role, role, "s3:GetObject", items, f"{way}: its list of items")
    processor = state.get("ItemProcessor", {}).get("ProcessorConfig", {})
    if processor.get("Mode") == "DISTRIBUTED":
        yield need(role, role, "states:StartExecution", template.arn(machine), way)
        own = template.arn(machine).replace(":stateMachine:", ":execution:")
        for action in ("DescribeExecution", "StopExecution"):
            yield need(role, role, f"states:{action}", f"{own}/{name}:e", way)


def _read_buckets(template: Template, role: str) -> list[str]:
    """The buckets that a role may read from; all of them, where it may read from none."""
    read = {
        template.bucket_of(grant.resource)
        for grant in template.grants_of(role)
        if grant.action == "s3:GetObject"
    }
    buckets = list(template.of_type("AWS::S3::Bucket"))
    return [each for each in buckets if each in read] or buckets


# https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
def _another_machine(role: str, way: str, machine: str, service: str) -> Iterator[Need]:
    """A state that starts an execution; with `.sync` it watches it by a rule of Step Functions'."""
    yield need(role, role, "states:StartExecution", machine, way)
    if ".sync" in service:
        started = f"{machine.replace(':stateMachine:', ':execution:')}:e"
        for action in ("DescribeExecution", "StopExecution"):
            yield need(role, role, f"states:{action}", started, way)
        rule = "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
        for action in ("PutTargets", "PutRule", "DescribeRule"):
            yield need(role, role, f"events:{action}", f"arn:aws:events:{WHERE}:{rule}", way)


def _buses(platform: Platform) -> Iterator[Need]:
    """A bus encrypts each event by itself; what it cannot encrypt goes to a queue of its name."""
    for name, bus in platform.buses.items():
        yield from _bus(platform, name, bus)


def _bus(platform: Platform, name: str, bus: Bus) -> Iterator[Need]:
    own, arn = name.removeprefix(f"{PREFIX}-"), f"arn:aws:events:{WHERE}:event-bus/{name}"
    way, key, where = f"the {own} bus takes an event", bus.key, policy_of(bus.key)
    source = {"aws:SourceArn": arn, **OWN_ACCOUNT}
    # Its archive's, too, whose page names no other condition's key and wants ReEncrypt:
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/encryption-archives.html
    encryption = {"kms:EncryptionContext:aws:events:event-bus:arn": arn}
    actions = ("GenerateDataKey", "Decrypt", "ReEncryptFrom", "ReEncryptTo")
    yield from key_uses(where, EVENTS, key, way, ("DescribeKey",), {})
    yield from key_uses(where, EVENTS, key, way, actions, encryption)
    way = f"what the {own} bus cannot encrypt goes to its dead-letter queue"
    if bus.dead_letters:
        its_key = platform.queues.get(bus.dead_letters, "")
        whose, to = bus.dead_letters.removeprefix(f"{PREFIX}-"), f"arn:aws:sqs:{WHERE}:"
        to += bus.dead_letters
        yield Need(f"queue {whose}", Request(EVENTS, "sqs:SendMessage", to, way, source))
        context = {"kms:EncryptionContext:aws:sqs:arn": to}
        yield from key_uses(policy_of(its_key), EVENTS, its_key, way, actions[:2], context)


def _alarms(template: Template) -> Iterator[Need]:
    for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items():
        source = {"aws:SourceArn": template.arn(name), **OWN_ACCOUNT}
        kinds = ("AlarmActions", "OKActions", "InsufficientDataActions")
        for topic in (each for kind in kinds for each in alarm.get(kind, [])):
            way, own = f"the alarm {name} tells its topic", template.named(topic)
            yield Need(f"topic {own}", Request(ALARMS, "sns:Publish", topic, way, source))
            key = template.resources[own]["Properties"].get("KmsMasterKeyId", "")
            yield from _topic_key(key, ALARMS, topic, way, source)


def _log_groups(template: Template) -> Iterator[Need]:
    actions = ("Encrypt", "Decrypt", "ReEncryptFrom", "GenerateDataKey", "DescribeKey")
    for name, group in template.of_type("AWS::Logs::LogGroup").items():
        key, arn = group.get("KmsKeyId", ""), template.arn(name).removesuffix(":*")
        context = {"kms:EncryptionContext:aws:logs:arn": arn}
        yield from key_uses(policy_of(key), LOGS, key, f"{name} encrypts", actions, context)


def behind(template: Template, platform: Platform, role: str) -> Iterator[Need]:
    """The uses of keys behind what a role may do: whoever may read a thing must be able to."""
    allowed = {(grant.action, grant.resource) for grant in template.grants_of(role)}
    functions = {
        template.named(each["Role"]) for each in template.of_type("AWS::Lambda::Function").values()
    }
    for action, resource in sorted(allowed):
        service, _, verb = action.partition(":")
        way = f"{role} may {action} on {resource.rpartition(':')[2]}"
        key = ""
        actions: tuple[str, ...] = ()
        context: dict[str, str] = {}
        bucket = ""
        if service == "s3" and verb in OBJECTS:
            name = template.bucket_of(resource)
            if name is None:
                continue  # which bucket, says nobody: it is too wide anyway
            key, bucket = bucket_key(template, name), template.arn(name)
            actions, context = OBJECTS[verb], via("s3", s3=bucket)
        elif service == "dynamodb" and resource != "*":
            named, _, part = resource.partition(":table/")[2].partition("/")
            if "*" in named:
                continue  # which tables, says nobody: it is too wide anyway
            table = template.resources[template.named(resource.removesuffix(f"/{part}"))]
            encryption = table["Properties"].get("SSESpecification", {})
            key = encryption.get("KMSMasterKeyId", "")
            actions = ("Decrypt",) if part.startswith("stream/") else TABLE_KEY
            context = via("dynamodb", table=named)
        elif verb in ("GetSecretValue", "PutSecretValue"):
            key, context = platform.secrets_key, via("secretsmanager")
            actions = ("Decrypt",) if verb.startswith("Get") else ("Decrypt", "GenerateDataKey")
        elif action in ("sqs:SendMessage", "sqs:ReceiveMessage") and resource != "*":
            # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
            key, context = queue_key(template, resource), via("sqs", queue=resource)
            actions = ("Decrypt", "GenerateDataKey") if verb == "SendMessage" else ("Decrypt",)
        yield from key_uses(role, role, key, way, actions, context)
        if action in ("s3:GetObject", "s3:GetObjectVersion") and role in functions:
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
