"""A temporary window on a stage's events: a queue, and a rule on each bus that fills it.

What a rule's target really receives can be seen no other way: S3's own events for the stage's
buckets, and what the application announces on its buses.
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

import psutil
from botocore.exceptions import ClientError

from workbench.stages.deployed import DEFAULT_BUS, Deployed
from workbench.stages.errors import UserError
from workbench.stages.stage import PROJECT

EVENT_LIMIT = 60.0  # seconds for an event to come through the probe
READY_LIMIT = 120.0  # seconds; a new rule on AWS may need a minute before it works
STALE = timedelta(hours=1)  # no replay lasts so long: what is older was left behind
TEST_SOURCE = f"{PROJECT}.replay"
OWNER_TAG = "replayed-by"


type Wanted = Callable[[dict[str, Any]], bool]
"""Whether an event is the one that is waited for."""


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
        """All events so far for which `wanted` holds, as they were sent."""
        with self._arrived:
            return self._matching(wanted)

    def _matching(self, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        in_order = sorted(self._seen.values(), key=lambda sent_event: sent_event[0])
        return [event for _, event in in_order if wanted(event)]

    def open(self) -> None:
        """Create the queue and the rules and wait until events really come through them."""
        patterns = self._patterns()
        arns = [self._rule_arn(bus) for bus in patterns]
        queue_arn = self._deployed.arn("sqs", self.name)
        self._queue = self._queues.create_queue(
            QueueName=self.name,
            Attributes={
                "MessageRetentionPeriod": "3600",
                "Policy": json.dumps(queue_policy(queue_arn, arns)),
                **queue_key(self._deployed),
            },
            tags={OWNER_TAG: owner()},
        )["QueueUrl"]
        for bus, pattern in patterns.items():
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

    def _rule_arn(self, bus: str) -> str:
        where = "" if bus == DEFAULT_BUS else f"{self._deployed.bus_name(bus)}/"
        return self._deployed.arn("events", f"rule/{where}{self.name}")

    def _patterns(self) -> dict[str, Any]:
        """Return a pattern for each bus: the buckets' events, and the application's own."""
        buckets = list(self._deployed.buckets.values())
        own = {bus: {"source": [{"prefix": PROJECT}]} for bus in self._deployed.buses}
        of_buckets = {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": buckets}},
        }
        return own | ({DEFAULT_BUS: of_buckets} if buckets else {})

    def _wait_until_ready(self) -> None:
        """Send something harmless over each bus until it arrives: no rule of the stage takes it."""
        key = f"replay/{self.name}"
        deadline = time.monotonic() + READY_LIMIT
        buckets = list(self._deployed.buckets.values())
        try:
            while time.monotonic() < deadline:
                wanted = self._send_tests(key, buckets)
                if all(self.wait_for(each, 3.0) for each in wanted):
                    return
        finally:
            for bucket in buckets:
                remove_all_versions(self._deployed, bucket, key)
        raise UserError(
            f"within {READY_LIMIT:.0f} s no event reached replay's queue {self.name}: are the "
            "buckets' EventBridge notifications on, and may events.amazonaws.com use their key?"
        )

    def _send_tests(self, key: str, buckets: list[str]) -> list[Wanted]:
        """Put an object into each bucket and an event on each other bus; what must come of it."""
        for bucket in buckets:
            self._deployed.stage.client("s3").put_object(
                Bucket=bucket, Key=key, Body=b"a replay is starting\n"
            )
        buses = [bus for bus in self._patterns() if bus != DEFAULT_BUS or not buckets]
        for bus in buses:
            self._events.put_events(
                Entries=[
                    {
                        "EventBusName": self._deployed.bus_name(bus),
                        "Source": TEST_SOURCE,
                        "DetailType": "ReplayStarting",
                        "Detail": json.dumps({"probe": self.name, "bus": bus}),
                    }
                ]
            )
        return [*(_uploaded(bucket, key) for bucket in buckets), *map(self._own_test, buses)]

    def _own_test(self, bus: str) -> Wanted:
        sent = {"probe": self.name, "bus": bus}
        return lambda event: event["source"] == TEST_SOURCE and event["detail"] == sent

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


def remove_all_versions(deployed: Deployed, bucket: str, key: str) -> None:
    """Remove an object of a bucket with all its versions."""
    s3 = deployed.stage.client("s3")
    versions = s3.list_object_versions(Bucket=bucket, Prefix=key)
    for version in [*versions.get("Versions", []), *versions.get("DeleteMarkers", [])]:
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])


def _uploaded(bucket: str, key: str) -> Wanted:
    def came(event: dict[str, Any]) -> bool:
        if event["source"] != "aws.s3":
            return False
        about = event["detail"]
        return bool(about["bucket"]["name"] == bucket and about["object"]["key"] == key)

    return came


def queue_key(deployed: Deployed) -> dict[str, str]:
    """Return the key that a temporary queue gets: that of the stage's own queues, if they have one.

    Whoever may send to them may use it.
    """
    queues = deployed.stage.client("sqs")
    for one in deployed.parts:
        if one.type == "AWS::SQS::Queue":
            answer = queues.get_queue_attributes(
                QueueUrl=one.identifier, AttributeNames=["KmsMasterKeyId"]
            )
            if key := answer.get("Attributes", {}).get("KmsMasterKeyId"):
                return {"KmsMasterKeyId": str(key)}
    return {}


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
        return not psutil.pid_exists(int(pid))
    age = datetime.now(UTC) - datetime.fromtimestamp(
        int(created["Attributes"]["CreatedTimestamp"]), UTC
    )
    return age > STALE


def remove(deployed: Deployed, name: str) -> None:
    """Remove the rules and the queue called `name`, whichever of them exist."""
    events, queues = deployed.stage.client("events"), deployed.stage.client("sqs")
    for bus in deployed.buses:
        bus_name = deployed.bus_name(bus)
        with contextlib.suppress(events.exceptions.ResourceNotFoundException):
            events.remove_targets(Rule=name, EventBusName=bus_name, Ids=["replay", "reconcile"])
        with contextlib.suppress(events.exceptions.ResourceNotFoundException):
            events.delete_rule(Name=name, EventBusName=bus_name)
    with contextlib.suppress(queues.exceptions.QueueDoesNotExist):
        queues.delete_queue(QueueUrl=queues.get_queue_url(QueueName=name)["QueueUrl"])
