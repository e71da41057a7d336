"""What a Lambda function needs whatever its code asks for: to run, to be called, to be traced."""

from collections.abc import Iterator
from typing import Any

from workbench.permissions.need import TRACING, Need, is_a, key_uses, need, queue_key, via
from workbench.permissions.policies import Request
from workbench.permissions.template import Template
from workbench.stages.errors import UserError

LAMBDA = "lambda.amazonaws.com"
# What Lambda does with the function's role to read a source.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
QUEUE = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
# https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
STREAM = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaVPCAccessExecutionRole.html
NETWORK = (
    "CreateNetworkInterface", "DescribeNetworkInterfaces", "DescribeSubnets",
    "DeleteNetworkInterface", "AssignPrivateIpAddresses", "UnassignPrivateIpAddresses",
)  # fmt: skip


def needs(template: Template) -> Iterator[Need]:
    """What each function, each source and each destination of the template needs."""
    for name, function in template.of_type("AWS::Lambda::Function").items():
        yield from _function(template, name, function)
    for config in template.of_type("AWS::Lambda::EventInvokeConfig").values():
        yield from _given_up(template, config)
    for name, mapping in template.of_type("AWS::Lambda::EventSourceMapping").items():
        yield from _source(template, name, mapping)


def _function(template: Template, name: str, function: dict[str, Any]) -> Iterator[Need]:
    role, way = template.named(function["Role"]), f"{name} starts"
    yield Need(f"trust {role}", Request(LAMBDA, "sts:AssumeRole", "*", way))
    context = {"kms:EncryptionContext:aws:lambda:FunctionArn": template.arn(name)}
    key = function.get("KmsKeyArn")
    if key:
        yield from key_uses(role, role, key, f"{way}: its environment", ("Decrypt",), context)
    where = _log_group(template, name, function)
    for action in ("CreateLogStream", "PutLogEvents"):
        yield need(role, role, f"logs:{action}", f"{where}:log-stream:s", f"{name} logs")
    if function.get("TracingConfig", {}).get("Mode") == "Active":
        for action in TRACING[:2]:
            yield need(role, role, f"xray:{action}", "*", f"{name} is traced")
    if "VpcConfig" in function:
        for action in NETWORK:
            yield need(role, role, f"ec2:{action}", "*", f"{name} is in a VPC")
    queue = function.get("DeadLetterConfig", {}).get("TargetArn")
    if queue:
        yield from _to_a_queue(template, role, queue, f"{name} gave up on an event")


def _log_group(template: Template, name: str, function: dict[str, Any]) -> str:
    """The ARN of the log group that a function names; UserError when it names none of ours."""
    named = function.get("LoggingConfig", {}).get("LogGroup")
    for group, properties in template.of_type("AWS::Logs::LogGroup").items():
        if named and properties.get("LogGroupName") == named:
            return template.arn(group).removesuffix(":*")
    raise UserError(f"{name} names no log group of the template; give it LoggingConfig.LogGroup")


def _given_up(template: Template, config: dict[str, Any]) -> Iterator[Need]:
    """What a function gave up on goes to its destination."""
    name = config["FunctionName"].rpartition("-")[2]
    role = template.named(template.resources[name]["Properties"]["Role"])
    destinations = config.get("DestinationConfig", {})
    queue = destinations.get("OnFailure", {}).get("Destination")
    if queue is None:
        raise UserError(f"{name} has no OnFailure destination; what it gives up on would be lost")
    if "OnSuccess" in destinations:
        raise UserError(
            f"{name} has an OnSuccess destination; add to "
            "workbench/permissions/function_ways.py what it needs"
        )
    yield from _to_a_queue(template, role, queue, f"{name} gave up on an event")


def _to_a_queue(template: Template, role: str, queue: str, way: str) -> Iterator[Need]:
    if not is_a(template, queue, "AWS::SQS::Queue"):
        raise UserError(
            f"{way}, which goes to {template.named(queue)}: that is not a queue; add to "
            "workbench/permissions/function_ways.py (_to_a_queue) what it needs"
        )
    yield need(role, role, "sqs:SendMessage", queue, way)


def _source(template: Template, name: str, mapping: dict[str, Any]) -> Iterator[Need]:
    """Lambda reads a queue or a table's stream for a function, with the function's role.

    The use of a stream's key follows from these permissions, in ways.py.
    """
    function = mapping["FunctionName"].rpartition(":function:")[2].rpartition("-")[2]
    if function not in template.resources:
        raise UserError(f"{name}: {mapping['FunctionName']} is not a function of the template")
    role = template.named(template.resources[function]["Properties"]["Role"])
    source, way = mapping["EventSourceArn"], f"{name} reads for {function}"
    if ":dynamodb:" in source and "/stream/" in source:
        for action in STREAM:
            yield need(role, role, f"dynamodb:{action}", source, way)
    elif is_a(template, source, "AWS::SQS::Queue"):
        for action in QUEUE:
            yield need(role, role, f"sqs:{action}", source, way)
        key = queue_key(template, source)
        yield from key_uses(role, role, key, way, ("Decrypt",), via("sqs", queue=source))
    else:
        raise UserError(
            f"{name} reads from {template.named(source)}; add to "
            "workbench/permissions/function_ways.py (_source) what Lambda needs for that"
        )
    queue = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if queue:
        yield from _to_a_queue(template, role, queue, f"{name} gave up on a batch")
