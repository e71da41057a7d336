"""Lambda: what an invocation reports back."""

import contextvars
import queue
import threading
import time
import uuid
from typing import Any

from workbench.local_cloud.emulator.patches.targets import module, replaced

_RAISED = """
        except Exception as e:
            # A handler's exception is an answer: the worker lives on, as on AWS.
            _ms_trace = traceback.format_list(traceback.extract_tb(e.__traceback__)[1:])
            for _ms_place in (os.path.realpath(code_dir), code_dir):
                _ms_trace = [each.replace(_ms_place, "/var/task") for each in _ms_trace]
            _ms_lines = [f"[ERROR] {type(e).__name__}: {e}", "Traceback (most recent call last):"]
            _ms_lines += [line for each in _ms_trace for line in each.splitlines()]
            print("\\n".join(_ms_lines).replace("\\n", "\\x1f"), file=sys.stderr)
            _ms_raised = {
                "errorMessage": str(e),
                "errorType": type(e).__name__,
                "requestId": context.aws_request_id,
                "stackTrace": _ms_trace,
            }
            _ms_answer = json.dumps({"status": "ok", "result": None, "raised": _ms_raised})
            _real_stdout.write(_ms_answer + "\\n")
"""
_REPORTED = """
        except Exception as e:
            _real_stdout.write(json.dumps({"status": "error", "error": str(e), \
"trace": traceback.format_exc()}) + "\\n")
        _real_stdout.flush()
"""


def exception_names() -> None:
    """A handler's exception is reported by its class, and its worker lives on.

    AWS reports the exception's class as `errorType`, with the stack trace and the request id, so
    that a state machine can retry or catch it by name. MiniStack says `Runtime.HandlerError`,
    without a trace, and ends the worker, so that the next call starts cold. The worker script is
    made to answer with all of it, and the answer is turned into the error that AWS would report.
    """
    runtime, functions = module("core.lambda_runtime"), module("services.lambda_svc")
    runtime._PYTHON_WORKER_SCRIPT = replaced(
        runtime._PYTHON_WORKER_SCRIPT, _REPORTED, _RAISED + "        _real_stdout.flush()\n"
    )
    answers = threading.local()
    invoke, execute = runtime.Worker.invoke, functions._execute_function_warm

    def invoke_and_keep(self: Any, *arguments: Any, **options: Any) -> Any:
        answers.last = invoke(self, *arguments, **options)
        return answers.last

    def execute_and_name(func: Any, event: Any, request_id: str) -> Any:
        answers.last = {}
        result = execute(func, event, request_id)
        raised = answers.last.get("raised")
        return result | {"body": raised, "error": True} if raised else result

    runtime.Worker.invoke = invoke_and_keep
    functions._execute_function_warm = execute_and_name


def request_id_of_retries() -> None:
    """All attempts of one asynchronous invocation have one request id.

    AWS keeps `aws_request_id` when it tries an asynchronous invocation again, so that a handler
    can tell a retry from a second event. MiniStack makes a new one for each attempt. One id is
    drawn when the event is taken, and given to each attempt.
    """
    functions = module("services.lambda_svc")
    current: contextvars.ContextVar[str] = contextvars.ContextVar("request_id")
    take, dispatch = functions.invoke_async_with_retry, functions._execute_function_dispatch

    def take_with_id(func: Any, event: Any) -> None:
        token = current.set(str(uuid.uuid4()))  # the retrying thread works in a copy of the context
        try:
            take(func, event)
        finally:
            current.reset(token)

    def dispatch_with_id(
        func: Any, config: Any, event: Any, request_id: str, started: float
    ) -> Any:
        return dispatch(func, config, event, current.get(request_id), started)

    functions.invoke_async_with_retry = take_with_id
    functions._execute_function_dispatch = dispatch_with_id


_END_OF_LOG = "\x1eend-of-invocation"
_LOG_LIMIT_SECONDS = 2.0


def exact_logs() -> None:
    """An invocation's log is complete, and a quiet one does not wait for lines that never come.

    On AWS a function's lines belong to its invocation, however fast it ends. MiniStack waits up
    to 50 ms for a first line, so that each quiet call takes that long, and a late line goes to
    the next call. The worker is made to end its lines with a mark, and the reader to read to it.
    """
    runtime = module("core.lambda_runtime")
    runtime._PYTHON_WORKER_SCRIPT = replaced(
        runtime._PYTHON_WORKER_SCRIPT,
        "        _real_stdout.flush()\n\nrun()",
        f"        print({_END_OF_LOG!r}, file=sys.stderr, flush=True)\n"
        "        _real_stdout.flush()\n\nrun()",
    )

    def drain(self: Any) -> str:
        lines: list[str] = []
        limit = time.monotonic() + _LOG_LIMIT_SECONDS
        while time.monotonic() < limit and self._proc is not None:
            try:
                line = self._stderr_queue.get(timeout=0.1)
            except queue.Empty:
                continue
            if line.endswith(_END_OF_LOG):
                if text := line.removesuffix(_END_OF_LOG):
                    lines.append(text)
                break
            lines.append(line)
        if self._proc is None:
            lines.append(self._drain_stderr())
        return "\n".join(lines)

    runtime.Worker._drain_stderr_bounded = drain
