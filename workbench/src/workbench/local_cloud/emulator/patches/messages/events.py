"""EventBridge: what an event of S3 says, and how a rule calls a function."""

import contextvars
import json
from typing import Any

from workbench.local_cloud.emulator.patches.targets import module


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


def rules_invoke_asynchronously() -> None:
    """A rule calls its function asynchronously, with the function's retries and destination.

    AWS hands a rule's event to Lambda's queue: an attempt that fails is tried again as often as
    the function's settings say, and then goes to its failure destination. MiniStack calls the
    function once. It is made to call as `Invoke` with `InvocationType=Event` does.
    """
    bus, functions = module("services.eventbridge"), module("services.lambda_svc")

    def dispatch(arn: str, payload: str) -> None:
        function, config, name = functions._get_func_record_for_ref(arn)
        if not function or not config:
            bus.logger.warning("EventBridge -> Lambda: function %s not found", name)
            return
        # As a call by name: the alias or version that was called is known by the ARN.
        record = functions._execution_record_for_config(function, config | {"FunctionArn": arn})
        functions.invoke_async_with_retry(record, json.loads(payload))

    bus._dispatch_to_lambda = dispatch


def replays_keep_to_their_rules() -> None:
    """A replay of an archive delivers to the rules that it names, where it names some.

    AWS takes `Destination.FilterArns`. MiniStack stores it and delivers to all rules of the bus.
    While a replayed event is dispatched, other rules match nothing.
    """
    bus = module("services.eventbridge")
    chosen: contextvars.ContextVar[Any] = contextvars.ContextVar("chosen", default=None)
    dispatch, matches = bus._dispatch_event, bus._matches_pattern_view

    def dispatch_chosen(event: Any, *arguments: Any, **options: Any) -> Any:
        replay = bus._replays.get(event.get("ReplayName"), {})
        token = chosen.set((replay.get("Destination") or {}).get("FilterArns"))
        try:
            return dispatch(event, *arguments, **options)
        finally:
            chosen.reset(token)

    def matches_chosen(pattern: Any, view: Any, what: str = "", *arguments: Any) -> Any:
        arns = chosen.get()
        if arns and what.startswith("rule "):
            names = {arn.rpartition("/")[2] for arn in arns}
            if what.removeprefix("rule ").rpartition("|")[2] not in names:
                return False
        return matches(pattern, view, what, *arguments)

    bus._dispatch_event = dispatch_chosen
    bus._matches_pattern_view = matches_chosen


def numbers_beyond_the_range_match_nothing() -> None:
    """A number beyond ±5,000,000,000 in an event meets no numeric condition, as on AWS.

    MiniStack compares it like any other.
    """
    operators = module("services.eventbridge")._CONTENT_MATCHERS
    matches = operators["numeric"]

    def matches_in_range(value: Any, operand: Any) -> bool:
        beyond = isinstance(value, int | float) and abs(value) > 5_000_000_000
        return not beyond and bool(matches(value, operand))

    operators["numeric"] = matches_in_range
