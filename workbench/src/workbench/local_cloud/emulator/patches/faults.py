"""What goes wrong on demand: requests that are throttled, held up or end their caller.

Nothing here happens by itself. `PUT /_workbench/faults` sets what is to go wrong, `GET` tells
how often it still will; `workbench/local_cloud/emulator/faults.py` is the way to ask.
"""

import asyncio
import contextlib
import fnmatch
import json
import os
import random
import signal
import threading
from typing import Any

from workbench.local_cloud.emulator.patches.targets import module

PATH = "/_workbench/faults"
_DIED = (
    "Worker process died",
    "Worker process exited immediately",
    "No JSON init response from worker",
)
# The executions whose tasks wait for a token, by token; `token_tasks` fills it.
WAITING: dict[str, str] = {}


def worker_deaths() -> None:
    """A worker that dies fails its own call, as `Runtime.ExitError`, and no other's.

    AWS says so when the runtime's process exits; other environments know nothing of it. MiniStack
    says `Runtime.HandlerError`, which no workflow retries, and where a worker dies while it
    starts, it ends all workers of the function, whose calls then do the same to each other. The
    death is answered where it happens, and named as on AWS.
    """
    runtime, functions = module("core.lambda_runtime"), module("services.lambda_svc")
    invoke, execute = runtime.Worker.invoke, functions._execute_function_warm

    def invoke_alone(self: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return invoke(self, *arguments, **options)
        except (RuntimeError, OSError) as error:
            if isinstance(error, RuntimeError) and not str(error).startswith(_DIED):
                raise
            process, self._proc = self._proc, None  # the next call starts another
            runtime._signal(process)
            return {"status": "error", "error": _DIED[0], "cold_start": True, "log": ""}

    def execute_and_name(func: Any, event: Any, request_id: str) -> Any:
        result = execute(func, event, request_id)
        body = result.get("body")
        said = str(body.get("errorMessage")) if isinstance(body, dict) else ""
        if result.get("error") and said.startswith(_DIED):
            result["body"] = {
                "errorType": "Runtime.ExitError",
                "errorMessage": f"RequestId: {request_id} Error: Runtime exited with error: "
                "signal: killed",
            }
        return result

    runtime.Worker.invoke = invoke_alone
    functions._execute_function_warm = execute_and_name


class _Faults:
    """The requests that are to go wrong, each with how often it still does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.armed: list[dict[str, Any]] = []

    def next_for(self, service: str, request: str) -> dict[str, Any] | None:
        """The fault that strikes a request now, if any; it strikes once less afterwards."""
        with self._lock:
            for fault in self.armed:
                if (
                    fault["times"] > 0
                    and fault["service"] == service
                    and fnmatch.fnmatchcase(request, fault["request"])
                ):
                    fault["times"] -= 1
                    return fault
        return None

    def set(self, wanted: dict[str, Any]) -> None:
        """Replace what is armed, end tasks that wait, limit Lambda, kill workers: as asked."""
        if "requests" in wanted:
            with self._lock:
                self.armed = [dict(fault) for fault in wanted["requests"]]
        if "wait_scale" in wanted:
            states = module("services.stepfunctions")
            scale = wanted["wait_scale"]
            states._SFN_WAIT_SCALE = states._parse_wait_scale() if scale is None else scale
        if execution := wanted.get("time_out"):
            _time_out(execution)
        if "concurrency" in wanted:
            module("services.lambda_svc")._ACCOUNT_CONCURRENCY_CAP = wanted["concurrency"]
        if count := wanted.get("kill_workers"):
            _kill(_busy(""), count)


FAULTS = _Faults()


def faults_on_demand() -> None:
    """Requests go wrong when a test or a replay asks for it: nothing that AWS offers.

    The switch is an address of the emulator's own; requests over HTTP go through it, which are all
    that functions and commands make. What a state machine or a rule does is not among them.
    """
    app = module("app")
    configure, dispatch = app._handle_admin_config_request, app._dispatch_service_request

    async def configure_or_fail(path: str, method: str, body: bytes) -> Any:
        if path != PATH:
            return await configure(path, method, body)
        if method == "PUT":
            FAULTS.set(json.loads(body))
        return (
            200,
            {"Content-Type": "application/json"},
            json.dumps({"requests": FAULTS.armed}).encode(),
        )

    async def dispatch_or_fail(
        method: str, path: str, headers: Any, body: bytes, query: Any, request_id: str
    ) -> Any:
        if not FAULTS.armed:
            return await dispatch(method, path, headers, body, query, request_id)
        service = app.detect_service(method, path, headers, query)
        target = headers.get("x-amz-target", "").rpartition(".")[2]
        fault = FAULTS.next_for(service, target or f"{method} {path}")
        if fault and fault["action"] == "throttle":
            return _throttled(service)
        if fault and fault["action"] == "deny":
            return _denied(service)
        answer = await dispatch(method, path, headers, body, query, request_id)
        if fault and fault["action"] == "lose":
            return 500, {}, b""
        if fault and fault["action"] == "hold":
            await asyncio.sleep(fault["seconds"])
        elif fault:
            _kill(_busy(fault["function"]), 1)
        return answer

    app._handle_admin_config_request = configure_or_fail
    app._dispatch_service_request = dispatch_or_fail


def _throttled(service: str) -> Any:
    """The answer of a service that is asked too much."""
    if service == "s3":
        body = "<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
        return 503, {"Content-Type": "application/xml"}, body.encode()
    error = {"__type": "ThrottlingException", "message": "Rate exceeded"}
    return 400, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(error).encode()


def _denied(service: str) -> Any:
    """Return the answer of a service whose caller lacks a permission."""
    if service == "s3":
        body = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        return 403, {"Content-Type": "application/xml"}, body.encode()
    error = {"__type": "AccessDeniedException", "message": "Access denied"}
    return 400, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(error).encode()


def _busy(function: str) -> list[Any]:
    """The workers that are in the middle of a call, of one function or of all."""
    runtime = module("core.lambda_runtime")
    with runtime._lock:
        workers = [worker for some in runtime._workers.values() for worker in some]
    return [w for w in workers if w.in_use and w.func_name.endswith(function) and w._proc]


def _kill(workers: list[Any], count: int) -> None:
    for worker in random.sample(workers, min(count, len(workers))):
        with contextlib.suppress(ProcessLookupError, AttributeError):
            os.kill(worker._proc.pid, signal.SIGKILL)


def _time_out(execution: str) -> None:
    """Let the time be over for which an execution's task waits for its token."""
    tasks = module("services.stepfunctions")._task_tokens
    for token, task in list(tasks.items()):
        if WAITING.get(token) == execution:
            task["error"] = {"Error": "States.Timeout", "Cause": "nobody answered in time"}
            task["event"].set()
