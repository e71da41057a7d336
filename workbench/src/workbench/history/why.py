"""What a command says about something that it followed and that failed: where, and why."""

import shlex
from collections.abc import Sequence

from workbench.history.failure import Failure, failures_of, plain_cause
from workbench.history.model import RUNNING
from workbench.history.reading import read_execution
from workbench.history.shown import every_state
from workbench.replay.kinds.aftermath import lines_about
from workbench.stages.deployed import Deployed
from workbench.stages.stage import Stage

# What a function is reported with that cannot start, whoever calls it how often.
NOT_STARTED = (
    "Runtime.ImportModuleError",
    "Runtime.HandlerNotFound",
    "Runtime.UserCodeSyntaxError",
    "Runtime.MalformedHandlerName",
)
CHILDREN = 5  # of a Map run: those that failed come first
PATIENCE = 3  # retries of such a function before it counts as one that nobody puts right meanwhile
_IMPORTING = "in import_module"  # in the first line of the trace of a module's own error


def command(stage: Stage, name: str, **settings: str) -> str:
    """Return the `make` command for a stage, with its settings."""
    said = {} if stage.is_local else {"STAGE": stage.name}
    words = (f"{key}={shlex.quote(value)}" for key, value in (said | settings).items())
    return " ".join(["make", name, *words])


def why(deployed: Deployed, arn: str, **about: str) -> list[str]:
    """Return what an execution failed with, outermost first, and the command that shows it all.

    `about` is how the command names the execution; by itself without it. Only the command is
    returned for an execution that has not failed.
    """
    execution = read_execution(deployed.stage.client("stepfunctions"), arn, CHILDREN)
    named = about or {"EXECUTION": execution.name}
    return [
        *(each.line() for each in failures_of(execution)),
        f"see {command(deployed.stage, 'history', **named)}",
    ]


def stuck(deployed: Deployed, arn: str) -> str | None:
    """Return the state in which an execution calls a function that cannot start, again and again.

    None where there is none: then it may still go on.
    """
    execution = read_execution(deployed.stage.client("stepfunctions"), arn, children=0)
    for state in every_state(execution.states):
        last = state.tries[-1] if state.tries else None
        if state.status == RUNNING and state.retries >= PATIENCE and last is not None:
            error = next((one for one in reversed(state.tries) if one.error), last)
            if error.error in NOT_STARTED:
                said = Failure(state.name, error.error, plain_cause(error.cause))
                return f"{said.line()} (tried {len(state.tries)} times, and it goes on)"
    return None


def start_errors(deployed: Deployed, functions: Sequence[str], since: float) -> list[str]:
    """Return why functions (by their names in the stage) could not start since then (epoch s)."""
    found = []
    for function in functions:
        for line in lines_about(deployed, function, "[ERROR] ", since):
            if _is_of_start(line):
                said = line.splitlines()[0].removeprefix("[ERROR] ")
                found.append(f"function {function} does not start: {said}")
    return list(dict.fromkeys(found))


def _is_of_start(message: str) -> bool:
    """Whether an error is one of importing the function's module; Lambda's own, or the module's."""
    said = message.splitlines()
    return message.startswith("[ERROR] Runtime.") or any(_IMPORTING in line for line in said[1:4])
