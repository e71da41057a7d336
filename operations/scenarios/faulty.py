"""Switching on what a scenario of events/faults wants to fail, and putting it right again."""

import contextlib
import re
import secrets
import threading
from collections.abc import Iterator

from operations.deployed import Deployed
from operations.scenarios.uploads import Faults
from operations.services import faults as service_faults
from workbench.local_cloud.emulator import faults
from workbench.replay.kinds.aftermath import lines_about
from workbench.stages.errors import UserError
from workbench.stages.waiting import within

FUNCTIONS = (
    "IntakeSmallFile",
    "RegisterFile",
    "FetchExchangeRates",
    "PriceChunk",
    "AssessFile",
    "RequestApproval",
    "LoadOrders",
    "CurateFile",
    "QuarantineFile",
    "CloseFile",
    "NotifyPartner",
)
LIMIT = 60.0  # seconds until the error must have been logged that ends a fault
STRIKING = 10.0  # seconds until faults of requests must have struck
TIMED_OUT = "Task timed out"  # so Lambda says in a function's log
# The reason of an outcome that is ours is an error's name, too; those of files are in lower case.
_ERROR = re.compile(r'"(?:error|reason)": ?"([A-Z]\w+)"')


@contextlib.contextmanager
def failing(deployed: Deployed, wanted: Faults) -> Iterator[None]:
    """Let `wanted` fail inside the block; everything works again after it, whatever happens."""
    with contextlib.ExitStack() as stack:
        for name, change in wanted.functions.items():
            stack.enter_context(_changed_function(deployed, name, change))
        stack.callback(service_faults.set_outside, rates={}, webhook={})
        service_faults.set_outside(rates=wanted.rates, webhook=wanted.webhook)
        stack.callback(faults.set_requests, [])
        faults.set_requests([_for_stage(deployed, one) for one in wanted.requests])
        if wanted.wait_scale is not None:
            stack.callback(faults.set_wait_scale, None)
            faults.set_wait_scale(wanted.wait_scale)
        match wanted.database:
            case "down":
                stack.callback(service_faults.start_database)
                service_faults.stop_database()
            case "rotated":
                service_faults.rotate_password(deployed.stage, secrets.token_urlsafe(24))
            case "locked":
                stack.enter_context(_locked_for(wanted.seconds))
        yield


def lift_database(deployed: Deployed, wanted: Faults, file_id: str, since: float) -> None:
    """Start the database again once the error `until` has been logged about the file."""
    if wanted.until is None:
        return
    if not within(LIMIT, lambda: wanted.until in errors_logged(deployed, file_id, since)):
        raise UserError(f"no function logged {wanted.until} within {LIMIT:.0f} s")
    service_faults.start_database()


def wait_for_webhook(file_id: str, limit: float) -> bool:
    """Whether the partners' webhook takes an outcome of the file within `limit` seconds."""
    return within(
        limit,
        lambda: any(one.get("file_id") == file_id for one in service_faults.webhook_received()),
    )


def not_struck(deployed: Deployed, wanted: Faults, since: float) -> list[str]:
    """The faults that have not struck wholly, in words: their scenario has not shown itself.

    A file may have its outcome while its event is still on the way: so requests have some time. A
    function with a `timeout` of its own must have been ended by it, `since` (epoch s).
    """
    within(STRIKING, lambda: not any(faults.requests_left()))
    found = [
        f"{left} of {fault['times']} requests were not hit: {fault['request']}"
        for fault, left in zip(wanted.requests, faults.requests_left(), strict=True)
        if left
    ]
    left = service_faults.outside_left()
    for name, trouble in (("rates", wanted.rates), ("webhook", wanted.webhook)):
        calls = trouble.get("fail_next", 0)
        if calls and left[name] == calls:
            found.append(f"no call of the {name} API was hit")
    return found + [
        f"{name} was not killed by its timeout"
        for name, change in wanted.functions.items()
        if "timeout" in change and not any(lines_about(deployed, name, TIMED_OUT, since))
    ]


def errors_logged(deployed: Deployed, file_id: str, since: float) -> set[str]:
    """The names of the errors that the functions have logged about a file."""
    return {
        found[1]
        for function in FUNCTIONS
        for line in lines_about(deployed, function, file_id, since)
        if (found := _ERROR.search(line))
    }


def _for_stage(deployed: Deployed, fault: dict[str, object]) -> dict[str, object]:
    return {
        name: value.replace("${uploads_bucket}", deployed.bucket)
        if isinstance(value, str)
        else value
        for name, value in fault.items()
    }


@contextlib.contextmanager
def _changed_function(deployed: Deployed, name: str, change: dict[str, object]) -> Iterator[None]:
    """A function with another `timeout` (s) or with other settings in its `environment`."""
    client = deployed.stage.client("lambda")
    function = f"{deployed.stage.prefix}-{name}"
    before = client.get_function_configuration(FunctionName=function)
    variables = before["Environment"]["Variables"]
    settings = change.get("environment", {})
    client.update_function_configuration(
        FunctionName=function,
        Timeout=change.get("timeout", before["Timeout"]),
        Environment={"Variables": variables | settings},
    )
    client.get_waiter("function_updated_v2").wait(
        FunctionName=function, WaiterConfig={"Delay": 0.2}
    )
    try:
        yield
    finally:
        client.update_function_configuration(
            FunctionName=function,
            Timeout=before["Timeout"],
            Environment={"Variables": variables},
        )


@contextlib.contextmanager
def _locked_for(seconds: float) -> Iterator[None]:
    """Nobody can write order lines for so long, or until the block ends."""
    over = threading.Event()
    locked = threading.Event()

    def hold() -> None:
        with service_faults.locked_table():
            locked.set()
            over.wait(seconds)

    holder = threading.Thread(target=hold, daemon=True)
    holder.start()
    locked.wait(10)
    try:
        yield
    finally:
        over.set()
        holder.join()
