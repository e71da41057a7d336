"""What is stored on a stage: objects, items, messages; and the secrets' names."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from workbench.history.hiding import without_tokens
from workbench.stages.deployed import Deployed

COUNTED = 10_000  # objects of a bucket, or items of a table; beyond that is "more than"
NEWEST = 3  # objects that are named
ITEMS = 5  # items that are shown
LONGEST = 40  # characters of an attribute that is shown
FIRST = ("status", "state", "name", "type")  # attributes that come before others
WIDTH = 140  # characters of an item
_plain = TypeDeserializer()


def buckets(deployed: Deployed) -> Iterator[str]:
    """Return each bucket's objects: counted by their folder, and the newest ones."""
    for name in deployed.buckets.values():
        pages = deployed.stage.client("s3").get_paginator("list_objects_v2")
        found = [
            one
            for page in pages.paginate(Bucket=name, PaginationConfig={"MaxItems": COUNTED})
            for one in page.get("Contents", [])
        ]
        yield f"{name}  {_counted(found)}"
        for folder in sorted({one["Key"].partition("/")[0] for one in found if "/" in one["Key"]}):
            inside = [one for one in found if one["Key"].startswith(f"{folder}/")]
            yield f"  {folder + '/':<14} {_counted(inside)}"
        for one in sorted(found, key=lambda one: one["LastModified"], reverse=True)[:NEWEST]:
            yield f"  newest: {_time(one['LastModified'])}  {one['Key']}  {one['Size']:,} bytes"


def tables(deployed: Deployed) -> Iterator[str]:
    """Return each table's count and some of its items: short attributes, no task token."""
    client = deployed.stage.client("dynamodb")
    for part in deployed.parts:
        if part.type != "AWS::DynamoDB::Table":
            continue
        pages = client.get_paginator("scan").paginate(
            TableName=part.identifier, PaginationConfig={"MaxItems": COUNTED}
        )
        items = [item for page in pages for item in page["Items"]]
        keys = client.describe_table(TableName=part.identifier)["Table"]["KeySchema"]
        yield f"{part.identifier}  {_many(len(items), 'item')}"
        yield from (
            f"  {_item(item, [key['AttributeName'] for key in keys])}" for item in items[:ITEMS]
        )
        if len(items) > ITEMS:
            yield f"  … and {len(items) - ITEMS:,} more"


def queues(deployed: Deployed) -> Iterator[str]:
    """Return how many messages each queue has; of a dead-letter queue, that it is one."""
    client = deployed.stage.client("sqs")
    urls = client.list_queues(QueueNamePrefix=deployed.rule_prefix).get("QueueUrls", [])
    given_up = {url.rpartition("/")[2] for url in deployed.dead_letter_queues}
    for url in sorted(urls):
        name = url.rpartition("/")[2]
        if name.startswith(deployed.probe_prefix):
            continue
        counts = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        waiting = int(counts["ApproximateNumberOfMessages"])
        hidden = int(counts["ApproximateNumberOfMessagesNotVisible"])
        said = f"{name:<44} {waiting:,} waiting, {hidden:,} being read"
        if name in given_up or name.endswith("-dlq"):
            said += "  (dead letters; make redrive)" if waiting else "  (dead letters)"
        yield said


def secrets(deployed: Deployed) -> Iterator[str]:
    """Return the names of the stage's secrets, and when each was changed; never a value."""
    pages = deployed.stage.client("secretsmanager").get_paginator("list_secrets")
    wanted = [{"Key": "name", "Values": [f"{deployed.stage.prefix}/"]}]
    for page in pages.paginate(Filters=wanted):
        for one in page["SecretList"]:
            changed = one.get("LastChangedDate") or one.get("CreatedDate")
            rotated = ", rotated by itself" if one.get("RotationEnabled") else ""
            yield f"{one['Name']:<44} changed {_time(changed) if changed else 'never'}{rotated}"


def _counted(objects: list[Any]) -> str:
    size = sum(one["Size"] for one in objects)
    return f"{_many(len(objects), 'object')}, {size:,} bytes"


def _many(count: int, what: str) -> str:
    more = "at least " if count >= COUNTED else ""
    return f"{more}{count:,} {what}{'' if count == 1 else 's'}"


def _item(item: dict[str, Any], keys: list[str]) -> str:
    """Return an item's keys, then its short attributes, in one line."""
    plain = without_tokens({name: _plain.deserialize(value) for name, value in item.items()})
    rest = [name for name in plain if name not in keys and _is_short(plain[name])]
    rest.sort(key=lambda name: (name not in FIRST, name))
    text = "  ".join(f"{name}={plain[name]}" for name in [*keys, *rest])
    return text if len(text) <= WIDTH else f"{text[:WIDTH]}…"


def _is_short(value: Any) -> bool:
    return not isinstance(value, dict | list | set | bytes) and 0 < len(str(value)) <= LONGEST


def _time(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
