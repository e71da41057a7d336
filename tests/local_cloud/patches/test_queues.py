"""What a function could not process comes back to it after a scaled time."""

import time
import uuid

import pytest

from tests.local_cloud.emulator import Emulator
from workbench.local_cloud.emulator import ministack
from workbench.stages.waiting import wait_until

FAILS_TWICE = """
calls = 0
def handler(event, context):
    global calls
    calls += 1
    failed = event["Records"] if calls <= 2 else []
    print("call", calls, [each["body"] for each in event["Records"]])
    return {"batchItemFailures": [{"itemIdentifier": each["messageId"]} for each in failed]}
"""
HIDDEN = 120


@pytest.mark.patch(name="undelivered_messages_come_back_sooner")
def test_a_message_that_was_not_processed_comes_back_sooner(cloud: Emulator) -> None:
    function, queues = cloud.function(FAILS_TWICE), cloud.client("sqs")
    name = f"q-{uuid.uuid4().hex[:8]}"
    attributes = {"VisibilityTimeout": str(HIDDEN)}
    url = queues.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    cloud.client("lambda").create_event_source_mapping(
        EventSourceArn=arn["QueueArn"],
        FunctionName=function,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    begun = time.monotonic()

    queues.send_message(QueueUrl=url, MessageBody="one")

    wait_until(lambda: len(cloud.log(function)) == 3, "the third call", HIDDEN / 2)
    assert time.monotonic() - begun >= 2 * HIDDEN * ministack.WAIT_SCALE
