"""Lambda: errors in a function's log, those of its start included."""

import json
from typing import Any

from workbench.local_cloud.emulator.patches.targets import module, replaced

_LINE_BREAK = "\x1f"  # within one event; a break of lines would begin another event
_FAILED = "Worker init failed: "
_NOT_STARTED = """
    except Exception as e:
        _real_stdout.write(json.dumps({"status": "error", "error": str(e)}) + "\\n")
"""
_NAMED = """
    except Exception as e:
        _ms_error = _ms_start_error(e, module_name, handler_name, code_dir, "mod" in locals())
        _real_stdout.write(json.dumps({"status": "error", "error": json.dumps(_ms_error)}) + "\\n")
"""
_RUN = "def run():\n    # Redirect print"
# As AWS's runtime client has it: awslambdaric/bootstrap.py, _get_handler.
_START_ERROR = """
def _ms_start_error(error, module, handler, folder, is_imported):
    kind, said, trace = type(error).__name__, str(error), []
    if isinstance(error, ImportError):
        kind, said = "Runtime.ImportModuleError", f"Unable to import module '{module}': {error}"
    elif isinstance(error, SyntaxError):
        kind, said = "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {error}"
        trace = ['  File "%s" Line %s\\n    %s' % (error.filename, error.lineno, error.text)]
    elif is_imported and isinstance(error, AttributeError):
        kind, said = "Runtime.HandlerNotFound", f"Handler '{handler}' missing on module '{module}'"
    else:
        trace = traceback.format_list(traceback.extract_tb(error.__traceback__)[1:])
    for place in (os.path.realpath(folder), folder):
        trace = [each.replace(place, "/var/task") for each in trace]
    return {"errorMessage": said, "errorType": kind, "requestId": "", "stackTrace": trace}


"""


def start_errors_have_their_names() -> None:
    """What keeps a function from starting has its name, and stands in the function's log.

    AWS reports Runtime.ImportModuleError, Runtime.UserCodeSyntaxError, Runtime.HandlerNotFound, or
    the exception that the module itself raises, to the caller and in the log. MiniStack reports
    `RuntimeError`, and writes to a log of its own only.
    """
    runtime, functions = module("core.lambda_runtime"), module("services.lambda_svc")
    script = replaced(runtime._PYTHON_WORKER_SCRIPT, _NOT_STARTED, _NAMED)
    runtime._PYTHON_WORKER_SCRIPT = replaced(script, _RUN, _START_ERROR + _RUN)
    execute = functions._execute_function_warm

    def execute_and_say(func: Any, event: Any, request_id: str) -> Any:
        result = execute(func, event, request_id)
        body = result.get("body")
        said = str(body.get("errorMessage")) if isinstance(body, dict) else ""
        if not (result.get("error") and said.startswith(f"{_FAILED}{{")):
            return result
        error = json.loads(said.removeprefix(_FAILED)) | {"requestId": request_id}
        lines = [f"[ERROR] {error['errorType']}: {error['errorMessage']}"]
        lines += ["Traceback (most recent call last):"]
        lines += [line for each in error["stackTrace"] for line in each.splitlines()]
        return result | {"body": error, "log": _LINE_BREAK.join(lines)}

    functions._execute_function_warm = execute_and_say


def errors_are_one_event() -> None:
    """The error that ends an invocation is one event of the log.

    AWS writes the error's name, its message and its trace, without what it was caused by, as one
    event. MiniStack makes an event of each line. Lines that belong together are kept together.
    """
    functions, logs = module("services.lambda_svc"), module("services.cloudwatch_logs")
    append, dispatch = logs._append_log_events, functions._execute_function_dispatch

    def append_whole(stream: Any, events: Any) -> None:
        for event in events:
            event["message"] = event["message"].replace(_LINE_BREAK, "\n")
        append(stream, events)

    def dispatch_with_lines(*arguments: Any) -> Any:
        result = dispatch(*arguments)
        if isinstance(result, dict) and isinstance(result.get("log"), str):
            result["log"] = result["log"].replace(_LINE_BREAK, "\n")  # the caller's tail of it
        return result

    logs._append_log_events = append_whole
    functions._execute_function_dispatch = dispatch_with_lines
