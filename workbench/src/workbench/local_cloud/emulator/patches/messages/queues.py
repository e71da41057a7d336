"""SQS: queues that Lambda reads by an event source mapping."""

import time
from typing import Any

from workbench.local_cloud.emulator.patches.targets import module

_POLLED_EVERY = 1.0  # seconds


def undelivered_messages_come_back_sooner() -> None:
    """A message that a function could not process is hidden for a scaled visibility timeout.

    On AWS and in MiniStack it comes back when the queue's whole VisibilityTimeout is over. It is
    a delay before a retry, so it is multiplied by SFN_WAIT_SCALE as other delays are. While the
    function runs, the message is hidden as long as the queue says.
    """
    functions, queues = module("services.lambda_svc"), module("services.sqs")
    states, run = module("services.stepfunctions"), functions._run_sqs_batch

    def run_and_hide(
        mapping: Any, function: Any, event: Any, batch: Any, url: Any, name: Any
    ) -> None:
        handles = {message["receipt_handle"] for message in batch}
        run(mapping, function, event, batch, url, name)
        with queues._queues_lock:
            queue = queues._get_q(url)
            hidden = float(queue["attributes"].get("VisibilityTimeout", "30"))
            hidden *= states._SFN_WAIT_SCALE
            left = [each for each in queue["messages"] if each.get("receipt_handle") in handles]
            for message in left:
                message["visible_at"] = time.time() + hidden
        if left and hidden < _POLLED_EVERY:
            time.sleep(hidden)  # the queue is looked at when this ends, and otherwise much later

    functions._run_sqs_batch = run_and_hide
