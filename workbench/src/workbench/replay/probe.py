"""A temporary window on a stage's events: a queue, and a rule on each bus that fills it.

What a rule's target really receives can be seen no other way: S3's own events for the uploads
bucket, and what the application announces on the orders bus.
"""

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from workbench.stages.deployed import Deployed
from workbench.stages.errors import UserError

EVENT_LIMIT = 60.0  # seconds for an event to come through the probe
READY_LIMIT = 120.0  # seconds; a new rule on AWS may need a minute before it works
STALE = timedelta(hours=1)  # no replay lasts so long: what is older was left behind
TEST_SOURCE = "order-intake.replay"
OWNER_TAG = "replayed-by"


class Probe:
    """Collects a stage's events while it is open; use `open_probe`."""

    def __init__(self, deployed: Deployed) -> None:
        self._deployed = deployed
        self.name = deployed.probe_prefix + uuid.uuid4().hex[:8]
        self._events = deployed.stage.client("events")
        self._queues = deployed.stage.client("sqs")
        self._queue = ""
        self._seen: dict[str, tuple[int, dict[str, Any]]] = {}
        self._arrived = threading.Condition()
        self._closing = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._failure: Exception | None = None

    def wait_for(
        self, wanted: Callable[[dict[str, Any]], bool], limit: float
    ) -> dict[str, Any] | None:
        """The first event for which `wanted` holds; None when `limit` seconds bring none."""
        self.wait_until(lambda: bool(self._matching(wanted)), limit)
        found = self.seen(wanted)
        return found[0] if found else None

    def wait_until(self, condition: Callable[[], bool], limit: float) -> bool:
        """Look at `condition` whenever events arrive; whether it holds within `limit` seconds."""
        deadline = time.monotonic() + limit
        with self._arrived:
            while not condition():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                if self._failure:
                    raise UserError(f"replay can no longer read its queue: {self._failure}")
                self._arrived.wait(min(left, 1.0))
            return True

    def seen(self, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """All events so far for which `wanted` holds, in the order in which they were sent."""
        with self._arrived:
            return self._matching(wanted)

    def _matching(self, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        in_order = sorted(self._seen.values(), key=lambda sent_event: sent_event[0])
        return [event for _, event in in_order if wanted(event)]

    def open(self) -> None:
        """Create the queue and the rules and wait until events really come through them."""
        arns = self._rule_arns()
        queue_arn = self._deployed.arn("sqs", self.name)
        self._queue = self._queues.create_queue(
            QueueName=self.name,
            Attributes={
                "KmsMasterKeyId": f"alias/{self._deployed.stage.prefix}-data",
                "MessageRetentionPeriod": "3600",
                "Policy": json.dumps(queue_policy(queue_arn, list(arns.values()))),
            },
            tags={OWNER_TAG: owner()},
        )["QueueUrl"]
        for bus, pattern in self._patterns().items():
            bus_name = self._deployed.bus_name(bus)
            self._events.put_rule(
                Name=self.name,
                EventBusName=bus_name,
                EventPattern=json.dumps(pattern),
                Description="Temporary: what a running replay sees; it removes it at its end",
            )
            self._events.put_targets(
                Rule=self.name,
                EventBusName=bus_name,
                Targets=[{"Id": "replay", "Arn": queue_arn}],
            )
        self._reader.start()
        self._wait_until_ready()

    def close(self) -> None:
        """Remove the rules and the queue."""
        self._closing.set()
        if self._reader.is_alive():
            self._reader.join(timeout=5)
        remove(self._deployed, self.name)

    def _rule_arns(self) -> dict[str, str]:
        return {
            "default": self._deployed.arn("events", f"rule/{self.name}"),
            "orders": self._deployed.arn("events", f"rule/{self._deployed.orders_bus}/{self.name}"),
        }

    def _patterns(self) -> dict[str, Any]:
        return {
            "default": {
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {"bucket": {"name": [self._deployed.bucket]}},
            },
            "orders": {"source": [{"prefix": "order-intake"}]},
        }

    def _wait_until_ready(self) -> None:
        """Send something harmless over each bus until it arrives: no rule of the stage takes it."""
        key = f"replay/{self.name}"
        deadline = time.monotonic() + READY_LIMIT
        try:
            while time.monotonic() < deadline:
                self._send_tests(key)
                if self.wait_for(_uploaded(key), 3.0) and self.wait_for(self._own_test, 3.0):
                    return
        finally:
            remove_all_versions(self._deployed, key)
        raise UserError(
            f"within {READY_LIMIT:.0f} s no event reached replay's queue {self.name}: are the "
            "bucket's EventBridge notifications on, and may events.amazonaws.com use the data key?"
        )

    def _own_test(self, event: dict[str, Any]) -> bool:
        return bool(event["source"] == TEST_SOURCE and event["detail"]["probe"] == self.name)

    def _send_tests(self, key: str) -> None:
        self._deployed.stage.client("s3").put_object(
            Bucket=self._deployed.bucket, Key=key, Body=b"a replay is starting\n"
        )
        self._events.put_events(
            Entries=[
                {
                    "EventBusName": self._deployed.orders_bus,
                    "Source": TEST_SOURCE,
                    "DetailType": "ReplayStarting",
                    "Detail": json.dumps({"probe": self.name}),
                }
            ]
        )

    def _read(self) -> None:
        """Move messages from the queue into `_seen` until the probe closes."""
        while not self._closing.is_set():
            try:
                answer = self._queues.receive_message(
                    QueueUrl=self._queue,
                    MaxNumberOfMessages=10,
                    WaitTimeSeconds=1,
                    AttributeNames=["SentTimestamp"],
                )
                self._take(answer.get("Messages", []))
            except Exception as error:  # noqa: BLE001, RUF100 - told by the waiting thread
                with self._arrived:
                    self._failure = error
                    self._arrived.notify_all()
                return

    def _take(self, messages: list[dict[str, Any]]) -> None:
        if not messages:
            return
        with self._arrived:
            for message in messages:
                event = json.loads(message["Body"])
                # A standard queue may deliver twice and in any order.
                self._seen.setdefault(
                    event["id"], (int(message["Attributes"]["SentTimestamp"]), event)
                )
            self._arrived.notify_all()
        self._queues.delete_message_batch(
            QueueUrl=self._queue,
            Entries=[
                {"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]}
                for i, message in enumerate(messages)
            ],
        )


@contextlib.contextmanager
def open_probe(deployed: Deployed) -> Iterator[Probe]:
    """A probe that is removed at the end, whatever happens; earlier leftovers go first."""
    remove_leftovers(deployed)
    probe = Probe(deployed)
    try:
        probe.open()
        yield probe
    finally:
        probe.close()


def remove_leftovers(deployed: Deployed) -> list[str]:
    """Remove what replays left behind that did not end by themselves; returns their names."""
    queues = deployed.stage.client("sqs")
    urls = queues.list_queues(QueueNamePrefix=deployed.probe_prefix).get("QueueUrls", [])
    left = [url.rsplit("/", 1)[1] for url in urls if _is_left_over(queues, url)]
    for name in left:
        remove(deployed, name)
    return left


def remove_all_versions(deployed: Deployed, key: str) -> None:
    """Remove an object of the uploads bucket with all its versions."""
    s3 = deployed.stage.client("s3")
    versions = s3.list_object_versions(Bucket=deployed.bucket, Prefix=key)
    for version in [*versions.get("Versions", []), *versions.get("DeleteMarkers", [])]:
        s3.delete_object(Bucket=deployed.bucket, Key=key, VersionId=version["VersionId"])


def about(file_id: str) -> Callable[[dict[str, Any]], bool]:
    """Whether an event of the orders bus is about that file."""
    return lambda event: (
        event["source"].startswith("order-intake")
        and event["detail-type"] != "SettlementFinding"
        and event["detail"].get("file_id") == file_id
    )


def outcome_of(file_id: str) -> Callable[[dict[str, Any]], bool]:
    """Whether an event announces that file's outcome."""
    of_the_file = about(file_id)
    return lambda event: of_the_file(event) and event["detail-type"].startswith("OrderFile")


def question_about(file_id: str) -> Callable[[dict[str, Any]], bool]:
    """Whether an event asks a person about that file."""
    of_the_file = about(file_id)
    return lambda event: of_the_file(event) and event["detail-type"] == "ApprovalRequested"


def _uploaded(key: str) -> Callable[[dict[str, Any]], bool]:
    return lambda event: event["source"] == "aws.s3" and event["detail"]["object"]["key"] == key


def queue_policy(queue_arn: str, rule_arns: list[str]) -> dict[str, Any]:
    """A queue's policy that lets these rules fill it."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": rule_arns}},
            }
        ],
    }


def owner() -> str:
    """Who makes a temporary queue: this process, on this machine."""
    return f"{socket.gethostname()}/{os.getpid()}"


def _is_left_over(queues: Any, url: str) -> bool:
    """Whether the replay that made a queue is over: its process is gone, or it is too old."""
    try:
        made_by = queues.list_queue_tags(QueueUrl=url).get("Tags", {}).get(OWNER_TAG, "/")
        created = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["CreatedTimestamp"])
    except ClientError:
        return False  # gone in the meantime: another replay has just ended
    host, _, pid = made_by.partition("/")
    if host == socket.gethostname() and pid.isdigit():
        return not _is_running(int(pid))
    age = datetime.now(UTC) - datetime.fromtimestamp(
        int(created["Attributes"]["CreatedTimestamp"]), UTC
    )
    return age > STALE


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def remove(deployed: Deployed, name: str) -> None:
    """Remove the rules and the queue called `name`, whichever of them exist."""
    events, queues = deployed.stage.client("events"), deployed.stage.client("sqs")
    for bus in ("default", "orders"):
        bus_name = deployed.bus_name(bus)
        with contextlib.suppress(events.exceptions.ResourceNotFoundException):
            events.remove_targets(Rule=name, EventBusName=bus_name, Ids=["replay", "reconcile"])
        with contextlib.suppress(events.exceptions.ResourceNotFoundException):
            events.delete_rule(Name=name, EventBusName=bus_name)
    with contextlib.suppress(queues.exceptions.QueueDoesNotExist):
        queues.delete_queue(QueueUrl=queues.get_queue_url(QueueName=name)["QueueUrl"])
