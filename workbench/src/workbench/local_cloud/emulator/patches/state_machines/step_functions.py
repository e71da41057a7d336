"""Step Functions: timing, history, retries, task tokens."""

import contextvars
import random
import threading
import time
import types
import uuid
from typing import Any

from workbench.local_cloud.emulator.patches.faults import WAITING
from workbench.local_cloud.emulator.patches.targets import module

_START_DELAY_SECONDS = 0.15
# The state machine's ARN for every token that `token_tasks` has drawn; on AWS a token tells it.
TOKEN_OWNERS: dict[str, str] = {}


def no_start_delay() -> None:
    """An execution starts at once: a matter of speed only.

    MiniStack lets every execution sleep for 0.15 s before its first state; AWS starts it in some
    milliseconds. Its module gets a clock that skips exactly that sleep.
    """
    states = module("services.stepfunctions")

    def sleep(seconds: float) -> None:
        if seconds != _START_DELAY_SECONDS:
            time.sleep(seconds)

    states.time = types.SimpleNamespace(**(vars(time) | {"sleep": sleep}))


def branch_history() -> None:
    """States inside a Parallel's branches and a Map's items are in the history, and Succeed works.

    On AWS an execution's history has an event for each state that is entered and left, inside
    branches too, each under a number of its own. MiniStack notes top-level states only, and two
    branches at once may draw the same number. The walk through a branch is written anew.
    """
    states = module("services.stepfunctions")
    add_event, numbering = states._add_event, threading.Lock()

    def add_event_alone(execution: Any, event_type: str, details: Any = None) -> Any:
        with numbering:
            return add_event(execution, event_type, details)

    def run_branch(
        definition: Any, start_at: Any, branch_input: Any, execution: Any, ctx: Any
    ) -> Any:
        name, value = start_at, states.copy.deepcopy(branch_input)
        while name:
            state = definition.get(name)
            if state is None:
                raise states._ExecutionError("States.Runtime", f"State '{name}' not found")
            kind = state.get("Type")
            ctx["State"] = {"Name": name, "EnteredTime": states.now_iso(), "RetryCount": 0}
            entered = {"name": name, "input": states.json.dumps(value)}
            states._add_event(
                execution, f"{kind}StateEntered", {"stateEnteredEventDetails": entered}
            )
            value, following = _step(states, kind, state, value, execution, ctx)
            left = {"name": name, "output": states.json.dumps(value)}
            states._add_event(execution, f"{kind}StateExited", {"stateExitedEventDetails": left})
            name = following
        return value

    states._add_event = add_event_alone
    states._run_sub_machine = run_branch


def _step(
    states: Any, kind: Any, state: Any, value: Any, execution: Any, ctx: Any
) -> tuple[Any, Any]:
    """What one state of a branch gives, and the name of the state after it."""
    if kind == "Succeed":
        selected = states._apply_input_path(state, value, ctx)
        return states._apply_output_path(state, selected, ctx), None
    if kind == "Fail":
        raise states._ExecutionError(*states._fail_state_error(state, value, ctx))
    if kind not in {"Pass", "Task", "Choice", "Wait", "Parallel", "Map"}:
        raise states._ExecutionError("States.Runtime", f"Unknown state type: {kind}")
    run = getattr(states, f"_execute_{kind.lower()}")
    if kind in {"Task", "Parallel", "Map"}:
        output, following = run(state, value, execution, ctx)
    else:
        output, following = run(state, value, ctx)
    return output, following


class _StoppedError(Exception):
    """Ends the walk through an execution that was stopped."""


def stopped_executions_end() -> None:
    """An execution that was stopped enters no state, calls nothing any more and stays ABORTED.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html
    MiniStack writes the status and lets a task go on with its retries, whose end then becomes the
    execution's. Whatever it does next begins with an event of the history: there it ends.
    """
    states = module("services.stepfunctions")
    add_event, fail = states._add_event, states._fail_execution

    def add_event_or_end(execution: Any, event_type: str, details: Any = None) -> Any:
        if execution.get("status") == "ABORTED" and event_type != "ExecutionAborted":
            raise _StoppedError
        return add_event(execution, event_type, details)

    def fail_unless_stopped(execution: Any, error: str, cause: str) -> None:
        if execution.get("status") != "ABORTED":
            fail(execution, error, cause)

    states._add_event, states._fail_execution = add_event_or_end, fail_unless_stopped


def retry_delays() -> None:
    """Retries keep to `MaxDelaySeconds` and `JitterStrategy`.

    AWS caps the growing delay and, with FULL jitter, draws it between nothing and the cap.
    MiniStack knows neither. The retrier it finds is handed on with the delay worked out.
    """
    states = module("services.stepfunctions")
    find = states._find_matching_retrier

    def find_with_delay(retriers: Any, error: str, counts: Any) -> Any:
        retrier, index = find(retriers, error, counts)
        if retrier is None:
            return retrier, index
        growth = float(retrier.get("BackoffRate", 2.0)) ** int(counts.get(index, 0))
        delay = float(retrier.get("IntervalSeconds", 1)) * growth
        delay = min(delay, float(retrier.get("MaxDelaySeconds", delay)))
        if retrier.get("JitterStrategy") == "FULL":
            delay = random.uniform(0, delay)  # noqa: S311 - spreads load, keeps no secret
        return retrier | {"IntervalSeconds": delay, "BackoffRate": 1.0}, index

    states._find_matching_retrier = find_with_delay


def token_tasks() -> None:
    """A task that waits for its token fails when its function fails; each attempt has a new token.

    On AWS an exception in the function that a `.waitForTaskToken` task calls fails the task under
    the exception's name, and a retry draws a new token. MiniStack drops the exception, waits for
    an answer that nobody will give, and keeps the token. The call to a function is written anew;
    other integrations stay as they are.
    """
    states = module("services.stepfunctions")
    with_callback, arguments = states._invoke_with_callback, states._apply_jsonata_arguments

    def arguments_with_token(state: Any, raw_input: Any, ctx: Any = None) -> Any:
        if ctx and state.get("Resource", "").endswith(".waitForTaskToken"):
            token = str(uuid.uuid4())
            ctx["Task"] = {"Token": token}
            TOKEN_OWNERS[token] = ctx["StateMachine"]["Id"]
            WAITING[token] = ctx["Execution"]["Id"]
        return arguments(state, raw_input, ctx)

    def call_and_wait(resource: str, payload: Any, token: str, state: Any) -> Any:
        if "lambda:invoke" not in resource:
            return with_callback(resource, payload, token, state)
        function = states._resolve_lambda_function_ref(payload.get("FunctionName"), optimized=True)
        called = threading.Event()
        states._task_tokens[token] = {
            "event": called,
            "result": None,
            "error": None,
            "heartbeat": None,
        }
        try:
            states._call_lambda(function, payload.get("Payload", {}))
            if not called.wait(timeout=state.get("TimeoutSeconds", 99999)):
                raise states._ExecutionError("States.Timeout", "nobody answered in time")
            answer = states._task_tokens[token]
        finally:
            states._task_tokens.pop(token, None)
            WAITING.pop(token, None)
        if error := answer.get("error"):
            name, cause = error.get("Error", "States.TaskFailed"), error.get("Cause", "")
            raise states._ExecutionError(name, cause)
        result = answer.get("result", "{}")
        return states.json.loads(result) if isinstance(result, str) else result

    states._apply_jsonata_arguments = arguments_with_token
    states._invoke_with_callback = call_and_wait


def failed_entries() -> None:
    """An event that the bus refuses fails the state that sends it.

    On AWS `events:putEvents` fails with `EventBridge.FailedEntry` when an entry is refused.
    MiniStack reports success. The answer is looked at.
    """
    states = module("services.stepfunctions")
    resource = "arn:aws:states:::events:putEvents"
    put_events = states._SERVICE_DISPATCH[resource]

    def put_all_events(name: str, payload: Any) -> Any:
        answer = put_events(name, payload)
        if answer.get("FailedEntryCount"):
            raise states._ExecutionError("EventBridge.FailedEntry", states.json.dumps(answer))
        return answer

    states._SERVICE_DISPATCH[resource] = put_all_events


def events_name_their_execution() -> None:
    """An event that an execution sends has the ARNs of execution and state machine in `resources`.

    AWS appends them to each entry of `events:putEvents`; MiniStack sends the entries as they are.
    https://docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html
    """
    states = module("services.stepfunctions")
    resource = "arn:aws:states:::events:putEvents"
    put_events, run = states._SERVICE_DISPATCH[resource], states._run_execution
    running: contextvars.ContextVar[str] = contextvars.ContextVar("running", default="")

    def run_named(execution: str) -> None:
        running.set(execution)  # each execution has a thread and a context of its own
        run(execution)

    def put_named_events(name: str, payload: Any) -> Any:
        execution = running.get()
        if execution:  # none when one state is tested alone
            machine = execution.rpartition(":")[0].replace(":execution:", ":stateMachine:")
            entries = [
                entry | {"Resources": [*entry.get("Resources", []), execution, machine]}
                for entry in payload["Entries"]
            ]
            payload = payload | {"Entries": entries}
        return put_events(name, payload)

    states._SERVICE_DISPATCH[resource], states._run_execution = put_named_events, run_named
