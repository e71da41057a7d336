"""S3: what an event says."""

import contextvars
import json
from typing import Any

from tools.local_cloud.patches.targets import module


def version_ids() -> None:
    """`Object Created` and its kin name the version of an object in a versioned bucket.

    AWS gives it as `detail.object.version-id`. MiniStack has it at hand and leaves it out of what
    it sends to EventBridge. It is added on the way to the bus.
    """
    objects, bus = module("services.s3"), module("services.eventbridge")
    version: contextvars.ContextVar[str | None] = contextvars.ContextVar("version", default=None)
    fire, dispatch = objects._fire_s3_event, bus._dispatch_event

    def fire_with_version(*arguments: Any, **options: Any) -> None:
        token = version.set(options.get("version_id"))
        try:
            fire(*arguments, **options)
        finally:
            version.reset(token)

    def dispatch_with_version(event: Any, *arguments: Any, **options: Any) -> Any:
        named = version.get()
        if named and event.get("Source") == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = named
            event = event | {"Detail": json.dumps(detail)}
        return dispatch(event, *arguments, **options)

    objects._fire_s3_event = fire_with_version
    bus._dispatch_event = dispatch_with_version
