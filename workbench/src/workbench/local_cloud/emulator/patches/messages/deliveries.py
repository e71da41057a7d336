"""What rules and schedules deliver: who allows it, and where it goes when nobody does."""

import contextvars
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from workbench.local_cloud.emulator.patches.targets import module

# The action by which a target is invoked, by its service.
_ACTIONS = {
    "lambda": "lambda:InvokeFunction",
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "states": "states:StartExecution",
}
_DISPATCHES = ("_dispatch_to_lambda", "_dispatch_to_sqs", "_dispatch_to_sns")


class _Undeliverable(Exception):
    """Why something cannot be delivered: an error code of EventBridge's, and words."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class _Sender:
    """A rule or a schedule: the service that acts for it, its ARN, its account."""

    service: str
    arn: str
    account: str

    def context(self, action: str, resource: str, principal: str = "*") -> Any:
        """What a policy is asked."""
        evaluator = module("core.iam_evaluator")
        return evaluator.EvalContext(
            principal_arn=principal,
            principal_type="Service" if principal == "*" else "AssumedRole",
            principal_account="" if principal == "*" else self.account,
            action=action,
            resource_arn=resource,
            region=module("core.responses").get_region(),
            service_context={"aws:sourcearn": self.arn, "aws:sourceaccount": self.account},
        )


def targets_allow_deliveries() -> None:
    """A rule's or schedule's target is invoked only where it or the target's role allows that.

    AWS asks the target's role, where it has one, else the policy of function, queue or topic; a
    schedule has a role always. What cannot be delivered (no permission, no such target, refused by
    it) goes to the target's dead-letter queue, with what and why in its message attributes, if
    that queue lets it in. MiniStack asks nobody, and forgets what it cannot deliver.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html
    """
    bus, evaluator = module("services.eventbridge"), module("core.iam_evaluator")
    invoke, evaluate = bus._invoke_target, evaluator.evaluate
    failures: contextvars.ContextVar[list[Any]] = contextvars.ContextVar("failures")

    def invoke_allowed(target: Any, event: Any, rule: Any, view: Any = None) -> None:
        # Nothing may leave this: a rule's trouble is not the trouble of who sends an event.
        try:
            sender = _sender(event, rule)
            failures.set([])
            try:
                _check(sender, target, evaluate)
                invoke(target, event, rule, view)
                for failure in failures.get():
                    raise _Undeliverable("ERROR_FROM_TARGET", str(failure))
            except _Undeliverable as reason:
                bus.logger.warning("%s: %s: %s", target.get("Arn"), reason.code, reason)
                _bury(sender, target, _body(target, event, view), reason, evaluate)
        except Exception:
            bus.logger.exception("delivery to %s failed", target.get("Arn"))

    def recorded(dispatch: Any) -> Any:
        def dispatch_and_record(*arguments: Any) -> Any:
            try:
                return dispatch(*arguments)
            except Exception as error:
                failures.get([]).append(error)
                raise

        return dispatch_and_record

    def start_execution(arn: str, payload: str) -> None:
        start = module("services.stepfunctions")._start_execution
        status, _, body = start({"stateMachineArn": arn, "input": payload})
        if status >= 400:
            failures.get([]).append(body.decode())

    for name in _DISPATCHES:
        setattr(bus, name, recorded(getattr(bus, name)))
    bus._dispatch_to_stepfunctions = start_execution
    bus._invoke_target = invoke_allowed


def _sender(event: Any, rule: Any) -> _Sender:
    scheduled = event.get("Source") == "aws.scheduler"
    service = "scheduler.amazonaws.com" if scheduled else "events.amazonaws.com"
    return _Sender(service, rule.get("Arn", ""), module("core.responses").get_account_id())


def _body(target: Any, event: Any, view: Any) -> str:
    if event.get("Source") == "aws.scheduler":
        return str(target.get("Input") or "{}")
    bus = module("services.eventbridge")
    return json.dumps((view or bus._pattern_event_view(event)).event_with_detail())


def _check(sender: _Sender, target: Any, evaluate: Any) -> None:
    """Raise _Undeliverable unless the target is there and may be invoked."""
    arn = target.get("Arn", "")
    service = arn.split(":")[2] if arn.count(":") >= 5 else ""
    action = _ACTIONS.get(service)
    if action is None:  # another bus, an API destination: as they were
        return
    if not _exists(service, arn):
        raise _Undeliverable("NO_RESOURCE", f"there is no such target: {arn}")
    role = target.get("RoleArn")
    if role or sender.service == "scheduler.amazonaws.com" or service == "states":
        _check_role(sender, role or "", action, arn, evaluate)
    elif not _lets_in(sender, service, action, arn):
        raise _Undeliverable("NO_PERMISSIONS", f"the policy of {arn} does not let {sender.arn} in")


def _exists(service: str, arn: str) -> bool:
    if service == "lambda":
        return module("services.lambda_svc")._get_func_record_for_ref(arn)[0] is not None
    if service == "sqs":
        return module("services.sqs")._queue_by_arn(arn) is not None
    if service == "sns":
        return arn in module("services.sns")._topics
    return module("services.stepfunctions")._resolve_state_machine_arn(arn) is not None


def _check_role(sender: _Sender, role: str, action: str, arn: str, evaluate: Any) -> None:
    evaluator, name = module("core.iam_evaluator"), role.rpartition("/")[2]
    found = module("services.iam")._roles.get(name)
    trust = json.loads(found["AssumeRolePolicyDocument"] or "{}") if found else {}
    statements = trust.get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    trust = {"Statement": [each | {"Resource": "*"} for each in statements]}
    asked = sender.context("sts:AssumeRole", "*")
    trusted = evaluator.evaluate_resource_policy(trust, asked, service=sender.service)
    if trusted.decision != "Allow":
        raise _Undeliverable("FAILED_TO_ASSUME_ROLE", f"{sender.service} cannot assume {role}")
    principal = f"arn:aws:sts::{sender.account}:assumed-role/{name}/{sender.service}"
    policies = evaluator._gather_role_policies(name, sender.account)
    if evaluate(sender.context(action, arn, principal), policies).decision != "Allow":
        raise _Undeliverable("NO_PERMISSIONS", f"{role} does not allow {action} on {arn}")


def _lets_in(sender: _Sender, service: str, action: str, arn: str) -> bool:
    evaluator = module("core.iam_evaluator")
    policy = (evaluator._resource_policy(service, arn) or ("",))[0]
    asked = sender.context(action, arn)
    found = evaluator.evaluate_resource_policy(policy, asked, service=sender.service)
    return bool(found.decision == "Allow")


def _bury(sender: _Sender, target: Any, body: str, reason: _Undeliverable, evaluate: Any) -> None:
    """Put what was not delivered into the target's dead-letter queue, if that lets it in."""
    arn = (target.get("DeadLetterConfig") or {}).get("Arn")
    if not arn:
        return
    bus, queues = module("services.eventbridge"), module("services.sqs")
    queue = queues._queue_by_arn(arn)
    if sender.service == "scheduler.amazonaws.com":
        _check_role(sender, target.get("RoleArn") or "", "sqs:SendMessage", arn, evaluate)
        kind = "SCHEDULE_ARN"
    elif _lets_in(sender, "sqs", "sqs:SendMessage", arn):
        kind = "RULE_ARN"
    else:
        raise _Undeliverable("NO_PERMISSIONS", f"{arn} does not let {sender.arn} in either")
    told = {
        kind: sender.arn,
        "TARGET_ARN": target.get("Arn", ""),
        "ERROR_CODE": reason.code,
        "ERROR_MESSAGE": str(reason),
    }
    now = time.time()
    message = {
        "id": str(uuid.uuid4()),
        "body": body,
        "receipt_handle": None,
        "sent_at": now,
        "visible_at": now + queues.queue_delay(queue),
        "receive_count": 0,
        "attributes": {},
        "message_attributes": {
            name: {"DataType": "String", "StringValue": text} for name, text in told.items()
        },
        "sys": {"SenderId": "AROAEXAMPLE", "SentTimestamp": str(int(now * 1000))},
    }
    queues._ensure_msg_fields(message)
    queue["messages"].append(message)
    bus.esm_wake.set()
