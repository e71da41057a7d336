"""Lambda: too many calls at once, and what an alias takes from its function."""

import contextvars
import json
import random
import time
from typing import Any

from workbench.local_cloud.emulator.patches.targets import module

_THROTTLED = "TooManyRequestsException"


def throttled_tasks() -> None:
    """A task whose function is throttled fails as `Lambda.TooManyRequestsException`.

    AWS names the error of Lambda's API so, and a workflow's retriers do, too. MiniStack looks for
    a function's own error, finds none, and says `Lambda.Unknown`. The name is put right.
    """
    states = module("services.stepfunctions")
    call_lambda = states._call_lambda

    def call(function: Any, event: Any) -> Any:
        try:
            return call_lambda(function, event)
        except states._ExecutionError as error:
            if error.error != "Lambda.Unknown" or f'"{_THROTTLED}"' not in error.cause:
                raise
            message = json.loads(error.cause)["message"]
            raise states._ExecutionError(f"Lambda.{_THROTTLED}", message) from None

    states._call_lambda = call


# "The retry interval increases exponentially from 1 second after the first attempt to a maximum
# of 5 minutes": Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous
# invocation". Multiplied by SFN_WAIT_SCALE, as other delays are.
_FIRST_SECONDS, _LONGEST_SECONDS = 1.0, 300.0


def throttled_events_wait() -> None:
    """An asynchronous event that is throttled is tried for as long as its age allows.

    AWS puts it back into the queue, for six hours or `MaximumEventAgeInSeconds`, and counts only
    what the function ran and failed as its retries. MiniStack counts it as a failed attempt, so
    that a burst ends in the dead-letter queue. The age is not scaled: work takes its time here,
    too.
    """
    functions, states = module("services.lambda_svc"), module("services.stepfunctions")
    deadline: contextvars.ContextVar[float] = contextvars.ContextVar("deadline", default=0.0)
    take, execute = functions.invoke_async_with_retry, functions._execute_function

    def take_until(func: Any, event: Any) -> None:
        config = func.get("event_invoke_config") or {}
        age = int(config.get("MaximumEventAgeInSeconds", 21600))
        token = deadline.set(time.monotonic() + age)  # the retrying thread has a copy of it
        try:
            take(func, event)
        finally:
            deadline.reset(token)

    def execute_or_wait(func: Any, event: Any) -> Any:
        delay = _FIRST_SECONDS
        while (result := execute(func, event)).get(
            "throttle"
        ) and time.monotonic() < deadline.get():
            scaled = delay * states._SFN_WAIT_SCALE * random.uniform(0.5, 1)  # noqa: S311
            time.sleep(max(0.0, min(scaled, deadline.get() - time.monotonic())))
            delay = min(2 * delay, _LONGEST_SECONDS)
        return result

    functions.invoke_async_with_retry = take_until
    functions._execute_function = execute_or_wait


def concurrency_of_aliases() -> None:
    """A function's reserved concurrency holds for its versions and aliases, too.

    On AWS it belongs to the function. MiniStack looks for it on the version that runs, where it
    never stands, so that a function that is switched off runs through its alias.
    """
    functions = module("services.lambda_svc")
    reserved_concurrency = functions._reserved_concurrency

    def of_function(func: Any, config: Any) -> Any:
        whole = functions._functions.get(config.get("FunctionName"))
        return reserved_concurrency(whole or func, config)

    functions._reserved_concurrency = of_function


def settings_of_aliases() -> None:
    """An asynchronous call of an alias or a version has the settings made for that one.

    On AWS retries, greatest age and destinations of an asynchronous call are set for the function,
    a version or an alias. MiniStack stores them so and then reads the function's only.
    """
    functions = module("services.lambda_svc")
    take = functions.invoke_async_with_retry

    def take_with_settings(func: Any, event: Any) -> None:
        config = func.get("config") or func
        name, qualifier = functions._resolve_name_and_qualifier(config["FunctionArn"])
        whole = functions._functions.get(name) or func
        found = functions._event_invoke_config(whole, qualifier)
        if not found and qualifier in (None, "$LATEST"):
            found = functions._event_invoke_config(whole, None if qualifier else "$LATEST")
        take(func | {"event_invoke_config": found, "event_invoke_configs": {}}, event)

    functions.invoke_async_with_retry = take_with_settings
