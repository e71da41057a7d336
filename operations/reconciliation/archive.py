"""Reading the orders bus's archive: its events, replayed into a queue of ours and nowhere else."""

import json
import uuid
from datetime import datetime
from typing import Any

from operations.deployed import Deployed
from workbench.replay.archive import deliver
from workbench.replay.probe import OWNER_TAG, owner, queue_key, queue_policy, remove
from workbench.stages.stage import PROJECT

EMPTY_POLLS = 3  # on AWS the last events may come a little after the replay has ended


def read_archive(deployed: Deployed, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """The archive's events of that time, each once; UserError when it cannot be replayed.

    On AWS this takes some minutes, and the archive lags ten minutes behind.
    """
    name = deployed.probe_prefix + uuid.uuid4().hex[:8]
    bus = deployed.orders_bus
    rule = deployed.arn("events", f"rule/{bus}/{name}")
    queues, events = deployed.stage.client("sqs"), deployed.stage.client("events")
    try:
        queue_arn = deployed.arn("sqs", name)
        queue = queues.create_queue(
            QueueName=name,
            Attributes={
                "VisibilityTimeout": "3600",
                "Policy": json.dumps(queue_policy(queue_arn, [rule])),
                **queue_key(deployed),
            },
            tags={OWNER_TAG: owner()},
        )["QueueUrl"]
        pattern = {"source": [{"prefix": PROJECT}], "replay-name": [{"exists": True}]}
        events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
        events.put_targets(
            Rule=name, EventBusName=bus, Targets=[{"Id": "reconcile", "Arn": queue_arn}]
        )
        deliver(deployed, bus, since, until, [rule])
        return list(_drained(deployed, queue).values())
    finally:
        remove(deployed, name)


def _drained(deployed: Deployed, queue: str) -> dict[str, dict[str, Any]]:
    """All messages of a queue as events, by their ids: a queue may deliver twice."""
    queues = deployed.stage.client("sqs")
    found: dict[str, dict[str, Any]] = {}
    empty = 0
    while empty < (1 if deployed.stage.is_local else EMPTY_POLLS):
        answer = queues.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=0 if deployed.stage.is_local else 5,
        )
        messages = answer.get("Messages", [])
        empty = 0 if messages else empty + 1
        for message in messages:
            event = json.loads(message["Body"])
            found[event["id"]] = event
    return found
