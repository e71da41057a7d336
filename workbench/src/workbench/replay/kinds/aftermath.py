"""What comes of an event besides its outcome: what a function said of it, what was given up."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from workbench.stages.deployed import Deployed
from workbench.stages.waiting import within

LIMIT = 240.0  # seconds; on AWS a function's retries alone take three minutes
PAUSE = 0.2  # seconds between two looks
HIDDEN = 3  # seconds


def wait_for_log(
    deployed: Deployed,
    functions: Sequence[str],
    about: str,
    said: str,
    since: float,
    limit: float = LIMIT,
) -> bool:
    """Return whether one of `functions` logs a line with both texts within `limit` seconds.

    From `since` (epoch s) on.
    """
    return within(
        limit,
        lambda: any(
            said in line
            for function in functions
            for line in lines_about(deployed, function, about, since)
        ),
        PAUSE,
    )


def lines_about(deployed: Deployed, function: str, about: str, since: float) -> Iterator[str]:
    """The lines that hold the text `about` in a function's log, from `since` (epoch s) on."""
    logs = deployed.stage.client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=f"/aws/lambda/{deployed.stage.prefix}-{function}", startTime=int(since * 1000)
    )
    for page in pages:
        for event in page["events"]:
            if about in event["message"]:
                yield event["message"]


def wait_for_dead_letter(deployed: Deployed, about: str, limit: float = LIMIT) -> str | None:
    """The error of a call that was given up, by a text in its event; the message is then removed.

    None when no dead-letter queue holds such a message within `limit` seconds.
    """
    queues = deployed.stage.client("sqs")

    def error() -> str | None:
        for url in deployed.dead_letter_queues:
            # Hidden for as long as the next looks need to reach what lies behind these.
            answer = queues.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=HIDDEN,
                MessageAttributeNames=["ERROR"],
            )
            for message in answer.get("Messages", []):
                if about in message["Body"] and _is_removed(queues, url, message):
                    return error_of(message)
        return None

    return within(limit, error, PAUSE)


def _is_removed(queues: Any, url: str, message: dict[str, Any]) -> bool:
    """Remove a message; False when somebody looked at it since, whose handle counts now."""
    try:
        queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    except queues.exceptions.ReceiptHandleIsInvalid:
        return False
    return True


def error_of(message: dict[str, Any]) -> str:
    """The error's name in a message of a dead-letter queue.

    Lambda keeps it in its record of a call, EventBridge in attributes, and so may a function; of
    what SQS moved there after too many receives, nobody keeps it.
    """
    if attribute := message.get("MessageAttributes", {}).get("ERROR"):
        return str(attribute["StringValue"])
    body = json.loads(message["Body"])
    if "requestContext" not in body:
        return "maxReceiveCount"
    answer = body.get("responsePayload") or {}
    return str(answer.get("errorType", "unknown"))
