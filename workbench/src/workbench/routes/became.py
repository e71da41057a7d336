"""What became of an event behind the rules that match it: executions, logs, dead letters."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workbench.application.interface import application
from workbench.history import finding
from workbench.history.why import command, start_errors
from workbench.replay.kinds.aftermath import error_of, lines_about
from workbench.routes.named import Named
from workbench.stages.deployed import Deployed

UNKNOWN = "not known: it was not sent, or its id, by which it would be found, is not in the file"
HOUR = 3600.0
CLOCKS = 60.0  # seconds by which S3's clock may differ from that of the logs
LOOKS = 20  # receives of one dead-letter queue; each gives at most ten messages


@dataclass(frozen=True)
class Trace:
    """By which texts something shows that it is about an event, and since when (epoch s).

    No `signs` where the event never was; `notes` say so.
    """

    signs: tuple[str, ...]
    since: float
    notes: tuple[str, ...] = ()


def trace_of(deployed: Deployed, named: Named) -> Trace:
    """Return how to find what became of an event; of an object's, that of its newest version."""
    since, event = time.time() - HOUR, named.event
    key = event.get("detail", {}).get("object", {}).get("key")
    if event["source"] == "aws.s3" and key:
        bucket = event["detail"]["bucket"]["name"]
        found = deployed.stage.client("s3").list_object_versions(Bucket=bucket, Prefix=key)
        versions = [one for one in found.get("Versions", []) if one["Key"] == key]
        if not versions:
            return Trace((), since, (f"nothing yet: no object {key} was put into {bucket}",))
        newest = max(versions, key=lambda one: one["LastModified"])
        put, version = newest["LastModified"], newest["VersionId"]
        thing = event["detail"]["object"] | {"version-id": version}
        event = event | {"detail": event["detail"] | {"object": thing}}
        signs = (version, *application().signs_of(event))
        note = f"the object was put at {put:%Y-%m-%d %H:%M:%S} UTC, version {version}"
        return Trace(signs, put.timestamp() - CLOCKS, (note,))
    if named.is_made:
        return Trace((), since, (UNKNOWN,))
    return Trace((str(event["id"]), *application().signs_of(event)), since)


def became(deployed: Deployed, targets: list[str], trace: Trace) -> Iterator[str]:
    """Return what became of the event at each of these targets (ARNs), a line each."""
    for arn in dict.fromkeys(targets):
        for kind, look in _LOOKS.items():
            if kind in arn:
                yield from look(deployed, arn, trace)
                break
        else:
            yield f"{name_of(deployed, arn)}: it was handed over; what comes of it is seen there"


def name_of(deployed: Deployed, arn: str) -> str:
    """Return a target as people call it: what it is, and its name in the stage."""
    parts = arn.split(":")
    kinds = {"lambda": "function", "states": "state machine", "sqs": "queue", "sns": "topic"}
    kind = "bus" if ":event-bus/" in arn else kinds.get(parts[2], parts[2])
    own = parts[6] if parts[2] in ("lambda", "states") else arn.rpartition("/")[2].split(":")[-1]
    return f"{kind} {own.removeprefix(deployed.rule_prefix)}"


def dead_letters(deployed: Deployed, trace: Trace) -> Iterator[str]:
    """Return the messages of the dead-letter queues that are about the event, a line each.

    Nothing is taken out of a queue, nor hidden in it.
    """
    for url in deployed.dead_letter_queues:
        queue = url.rpartition("/")[2]
        for message in _messages(deployed, url):
            if any(sign in message["Body"] for sign in trace.signs):
                yield f"dead-letter queue {queue} holds it: {_given_up(message)}"


def _messages(deployed: Deployed, url: str) -> Iterator[dict[str, Any]]:
    """Return the messages of a queue, each once, as far as some looks show them."""
    queues, seen = deployed.stage.client("sqs"), set[str]()
    for _ in range(LOOKS):
        got = queues.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        new = [message for message in got if message["MessageId"] not in seen]
        if not new:
            return
        seen |= {message["MessageId"] for message in new}
        yield from new


def _given_up(message: dict[str, Any]) -> str:
    """Return why a message was given up, in words."""
    attributes = {
        name: one.get("StringValue", "")
        for name, one in message.get("MessageAttributes", {}).items()
    }
    if "ERROR_CODE" in attributes:
        rule = attributes.get("RULE_ARN", "").rpartition("/")[2]
        said = f"{attributes['ERROR_CODE']}: {attributes.get('ERROR_MESSAGE', '')}".rstrip(": ")
        return f"the rule {rule} could not deliver it: {said}"
    try:
        body = json.loads(message["Body"])
        error = error_of(message)
    except (ValueError, TypeError, AttributeError):
        return "nothing says why"
    if not isinstance(body, dict) or "requestContext" not in body:
        return f"it was received too often, or failed with {error}"
    context, answer = body["requestContext"], body.get("responsePayload") or {}
    tried = context.get("approximateInvokeCount", "?")
    function = str(context.get("functionArn", "")).partition(":function:")[2]
    return (
        f"the function {function} failed {tried} times: {error}: {answer.get('errorMessage', '')}"
    )


def _of_function(deployed: Deployed, arn: str, trace: Trace) -> Iterator[str]:
    start = f":function:{deployed.rule_prefix}"
    name = name_of(deployed, arn).removeprefix("function ")
    if start not in arn:
        yield f"function {name}: it is not of this stage"
        return
    changed = deployed.stage.client("lambda").get_function_configuration(
        FunctionName=deployed.rule_prefix + name
    )["LastModified"]
    found = {
        line for sign in trace.signs for line in lines_about(deployed, name, sign, trace.since)
    }
    said = f"lines of its log about it: {len(found) or 'none'}"
    yield f"function {name}: {said}; see {command(deployed.stage, 'logs', FN=name)}"
    since = max(trace.since, datetime.fromisoformat(changed).timestamp())
    yield from start_errors(deployed, [name], since)


def _of_machine(deployed: Deployed, arn: str, trace: Trace) -> Iterator[str]:
    name = name_of(deployed, arn)
    found = [one for sign in trace.signs for one in finding.started_with(deployed, sign, [arn])]
    if not found:
        yield f"{name}: no execution of it has this event as its input"
    for one in found[:3]:
        error = f" {one['error']}" if one.get("error") else ""
        see = command(deployed.stage, "history", EXECUTION=one["name"])
        yield f"{name}: {one['status']}{error}; see {see}"


def _of_queue(deployed: Deployed, arn: str, trace: Trace) -> Iterator[str]:
    queues = deployed.stage.client("sqs")
    url = queues.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
    waiting = queues.get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]["ApproximateNumberOfMessages"]
    yield f"{name_of(deployed, arn)}: {waiting} messages wait in it; others were taken by a reader"


_LOOKS = {
    ":function:": _of_function,
    ":stateMachine:": _of_machine,
    ":sqs:": _of_queue,
}
