"""`make redrive`: hand what lies in the dead-letter queues back to where it came from.

A message is deleted only after it was handed over, so an interruption loses nothing: what was
handed over twice meets an execution of the same name, or code that knows it again.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from workbench.stages.deployed import Deployed
from workbench.stages.errors import run
from workbench.stages.stage import Stage
from workbench.stages.visible import say

# Seconds that a message is hidden while it is handed over; afterwards it is there again.
HIDDEN = 60
POLL = 1  # seconds to wait for messages before a queue counts as empty


class NotOurs(Exception):
    """A message that cannot be handed back; the text says why. It stays where it is."""


@dataclass(frozen=True)
class Handover:
    """Where a message goes back to, by ARN, and what is said there."""

    target: str
    payload: str


def read_message(message: dict[str, Any], source: str | None = None) -> Handover:
    """What a dead letter says about itself; raises NotOurs when it is of no known form.

    A function's OnFailure record carries the function and the event; what a rule or a schedule
    could not deliver is the event itself, with its target among the message's attributes. What
    came out of another queue goes back there: its ARN is `source`.
    """
    target = message.get("MessageAttributes", {}).get("TARGET_ARN", {}).get("StringValue") or source
    if target:
        return Handover(target, message["Body"])
    try:
        body = json.loads(message["Body"])
        function = body["requestContext"]["functionArn"]
        return Handover(function.removesuffix(":$LATEST"), json.dumps(body["requestPayload"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotOurs("it names no target") from None


def hand_over(deployed: Deployed, message: dict[str, Any], source: str | None = None) -> str:
    """Hand a message to its target, and give the target's name; NotOurs when that cannot be."""
    handover = read_message(message, source)
    service, name = handover.target.split(":")[2], handover.target.rsplit(":", 1)[-1]
    if not name.startswith(f"{deployed.stage.prefix}-"):
        raise NotOurs(f"its target is not of stage {deployed.stage.name}: {handover.target}")
    match service:
        case "lambda":
            deployed.stage.client("lambda").invoke(
                FunctionName=name, InvocationType="Event", Payload=handover.payload
            )
        case "states":
            _start(deployed, handover, f"redrive-{message['MessageId']}")
        case "sqs":
            queues = deployed.stage.client("sqs")
            url = queues.get_queue_url(QueueName=name)["QueueUrl"]
            queues.send_message(QueueUrl=url, MessageBody=handover.payload)
        case "sns":
            deployed.stage.client("sns").publish(TopicArn=handover.target, Message=handover.payload)
        case _:
            raise NotOurs(f"nothing is known about targets such as {handover.target}")
    return name


def _start(deployed: Deployed, handover: Handover, name: str) -> None:
    states = deployed.stage.client("stepfunctions")
    try:
        states.start_execution(stateMachineArn=handover.target, name=name, input=handover.payload)
    except states.exceptions.ExecutionAlreadyExists:
        return  # handed over before an interruption


def messages(deployed: Deployed, url: str, until: float) -> Iterator[dict[str, Any]]:
    """The messages of a queue that were there at `until` (epoch seconds), each once.

    What comes later has just failed again: it is left for the next time.
    """
    queues = deployed.stage.client("sqs")
    while True:
        got = queues.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=HIDDEN,
            WaitTimeSeconds=POLL,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["SentTimestamp"],
        ).get("Messages", [])
        if not got:
            return
        for message in got:
            if int(message["Attributes"]["SentTimestamp"]) <= until * 1000:
                yield message


def redrive(deployed: Deployed, url: str, source: str | None = None) -> tuple[int, int]:
    """Hand a queue's messages back, print each, and count: handed over, left in the queue.

    `source` is the ARN of the queue that SQS has moved them from, if it has.
    """
    queues, queue = deployed.stage.client("sqs"), url.rpartition("/")[2]
    gone, left = 0, 0
    for message in messages(deployed, url, time.time()):
        try:
            target = hand_over(deployed, message, source)
        except (NotOurs, ClientError) as error:
            left += 1
            say(f"{queue}: {message['MessageId']} stays: {error}")
            continue
        queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        gone += 1
        say(f"{queue}: {message['MessageId']} handed to {target}")
    return gone, left


def main(arguments: list[str] | None = None) -> int:
    """Redrive all queues; 1 when a message had to stay."""
    parser = argparse.ArgumentParser(prog="make redrive", description=__doc__)
    parser.parse_args(arguments)
    deployed = Deployed.find(Stage.from_environment())
    counts = [redrive(deployed, url, source) for url, source in deployed.dead_letter_queues.items()]
    gone, left = (sum(count[place] for count in counts) for place in (0, 1))
    say(f"{gone} handed over, {left} left")
    return 1 if left else 0


if __name__ == "__main__":
    run(main)
