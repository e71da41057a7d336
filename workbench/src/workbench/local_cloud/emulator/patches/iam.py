"""IAM: what a request is to a policy."""

import contextvars
import functools
import json
import re
from typing import Any

from workbench.local_cloud.emulator.patches.state_machines.step_functions import TOKEN_OWNERS
from workbench.local_cloud.emulator.patches.targets import module


def loopback_counts_as_tls() -> None:
    """`aws:SecureTransport` is true, so that a policy that refuses plain HTTP can be deployed.

    AWS is reached over TLS. The local cloud speaks plain HTTP on the loopback interface, which
    leaves the machine as little as TLS does, and would refuse every call to such a bucket.
    """
    evaluator = module("core.iam_evaluator")
    resolve = evaluator._resolve_condition_key

    def resolve_over_loopback(key: str, context: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else resolve(key, context)

    evaluator._resolve_condition_key = resolve_over_loopback


def wildcards_match_line_breaks() -> None:
    """A `*` in a policy stands for any characters, line breaks among them.

    "You can use an asterisk (*) to represent any combination of characters" (IAM User Guide, "IAM
    JSON policy elements: Resource"). MiniStack's does not match a line break, which an object's key
    may have: whoever may read `a/*` was refused such an object.
    """
    evaluator = module("core.iam_evaluator")
    compile_pattern = evaluator._fnmatch_compile

    @functools.cache
    def compile_for_all_characters(pattern: str, ignore_case: bool) -> "re.Pattern[str]":
        compiled = compile_pattern(pattern, ignore_case)
        return re.compile(compiled.pattern.removesuffix("$") + r"\Z", compiled.flags | re.DOTALL)

    evaluator._fnmatch_compile = compile_for_all_characters


def tokens_belong_to_machines() -> None:
    """Who answers a task token needs the permission on the token's state machine.

    AWS evaluates `SendTaskSuccess` and its kin by the ARN of the state machine that drew the token.
    MiniStack finds no ARN in the request, evaluates it by `*`, and refuses whoever may answer one
    state machine only. The token's machine is looked up.
    """
    actions = module("core.iam_actions")
    extract = actions.extract_resource_arn

    def extract_or_look_up(service: str, method: str, path: str, headers: Any, body: Any,
                           *more: Any) -> str:  # fmt: skip
        if service == "states" and b'"taskToken"' in (body or b""):
            owner = TOKEN_OWNERS.get(json.loads(body)["taskToken"])
            if owner:
                return owner
        arn: str = extract(service, method, path, headers, body, *more)
        return arn

    actions.extract_resource_arn = extract_or_look_up


# Who was checked for what, and how: (principal's ARN, action, resource's ARN, decision).
DECISIONS: set[tuple[str, str, str, str]] = set()
_OBJECT = re.compile(r"(arn:aws:s3:::[^/]+/[^/]+/).*", re.DOTALL)
DECISIONS_PATH = "/_workbench/decisions"


def decisions_are_kept() -> None:
    """What IAM was asked, and how it decided: on AWS, CloudTrail and Access Analyzer tell.

    MiniStack's CloudTrail has the calls, but neither the action nor the resource that they were
    evaluated by. Each decision is kept, objects of a bucket by their first folder; `GET` of an
    address of the emulator's own lists them.
    """
    app, evaluator = module("app"), module("core.iam_evaluator")
    evaluate, configure = evaluator.evaluate, app._handle_admin_config_request

    def evaluate_and_keep(context: Any, *more: Any) -> Any:
        result = evaluate(context, *more)
        resource = _OBJECT.sub(r"\1*", context.resource_arn)
        DECISIONS.add((context.principal_arn, context.action, resource, result.decision))
        return result

    async def configure_or_list(path: str, method: str, body: bytes) -> Any:
        if path != DECISIONS_PATH:
            return await configure(path, method, body)
        kept = json.dumps(sorted(list(DECISIONS))).encode()  # noqa: C414 - others add meanwhile
        return 200, {"Content-Type": "application/json"}, kept

    evaluator.evaluate = evaluate_and_keep
    app._handle_admin_config_request = configure_or_list


def events_are_evaluated_one_by_one() -> None:
    """Who may send which events to a bus can be said by their source and detail type.

    AWS has the condition keys `events:source` and `events:detail-type` for `PutEvents`, and looks
    at each entry. MiniStack knows neither, so that a policy that names one refuses everything. The
    question is asked for each entry of the bus; the first that is refused refuses the request.
    """
    actions, evaluator = module("core.iam_actions"), module("core.iam_evaluator")
    extract, enforce = actions.extract_iam_action, evaluator.enforce
    entries: contextvars.ContextVar[list[Any]] = contextvars.ContextVar("entries")

    def extract_and_keep(
        service: str, method: str, path: str, headers: Any, body: Any, *more: Any
    ) -> Any:
        action = extract(service, method, path, headers, body, *more)
        if action == "events:PutEvents":
            entries.set(_entries(body))
        return action

    def enforce_each(
        key: str, action: str, service: str, region: str, resource_arn: str = "*",
        service_context: Any = None,
    ) -> Any:  # fmt: skip
        if action != "events:PutEvents":
            return enforce(key, action, service, region, resource_arn, service_context)
        bus = resource_arn.rpartition("/")[2]
        sent = [each for each in entries.get([]) if _bus(each) == bus]
        for entry in sent or [{}]:
            named = {
                "events:source": entry.get("Source"),
                "events:detail-type": entry.get("DetailType"),
            }
            context = (service_context or {}) | named
            if denied := enforce(key, action, service, region, resource_arn, context):
                return denied
        return None

    actions.extract_iam_action, evaluator.enforce = extract_and_keep, enforce_each


def _entries(body: Any) -> list[Any]:
    try:
        sent = json.loads(body or b"{}").get("Entries")
    except (ValueError, AttributeError):
        return []  # what is not valid is refused later
    return [each for each in sent if isinstance(each, dict)] if isinstance(sent, list) else []


def _bus(entry: dict[str, Any]) -> str:
    return str(entry.get("EventBusName") or "default").rpartition("/")[2]
