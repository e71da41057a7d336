"""What can be made to go wrong on the local stage, and put right again.

The emulator's requests, workers and waits (`patches/faults.py`), and the services beside it.
Nothing of this reaches another stage.
"""

import json
import urllib.request
from typing import Any

from workbench.application.interface import application
from workbench.application.services import place_of
from workbench.local_cloud import interrupts, processes, state
from workbench.local_cloud.emulator.keys import Keys
from workbench.local_cloud.up import start_service
from workbench.stages.stage import local_keys, running_cloud

# Where the emulator takes them; `patches/faults.py` answers there.
FAULTS = "/_workbench/faults"


def time_out(execution: str) -> None:
    """Let the time be over for which the task of this execution (its ARN) waits for its token."""
    _switch({"time_out": execution})


def set_wait_scale(scale: float | None) -> None:
    """Let the workflow's waits and delays take this share of their time; None: as configured."""
    _switch({"wait_scale": scale})


def kill_workers(count: int) -> None:
    """Kill so many of the functions' processes that are in the middle of a call, drawn by lot."""
    _switch({"kill_workers": count})


def set_concurrency(limit: int) -> None:
    """Let so many functions run at once before Lambda throttles: 10 in a new account, 0 any."""
    _switch({"concurrency": limit})


def set_requests(faults: list[dict[str, Any]]) -> None:
    """Let requests to the emulator go wrong: these and no others.

    A fault has `service`, `request` (an operation's name, or for S3 `PUT /bucket/key` with `*`),
    `times`, and `action`: `throttle`, `deny`, `lose` (it is done, and the answer says 500), `hold`
    (for `seconds`) or `kill` (the `function` that asks).
    """
    _switch({"requests": faults})


def requests_left() -> list[int]:
    """How often each fault of `set_requests` is still to strike."""
    answer = _switch()
    return [fault["times"] for fault in answer["requests"]]


def stop_service(name: str) -> None:
    """Stop the application's service of that name: sessions end, connections are refused."""
    with interrupts.held():
        processes.stop(name)


def start_service_again(name: str) -> None:
    """Start a stopped service again, with all it keeps; nothing to do when it runs."""
    if any(one.name == name and one.alive for one in processes.recorded()):
        return
    (service,) = (one for one in application().services if one.name == name)
    with state.locked(), interrupts.held():
        start_service(service, place_of(service, running_cloud()))


def _switch(content: Any = None) -> Any:
    return ask(running_cloud()["endpoint"] + FAULTS, local_keys(), content)


def ask(url: str, keys: Keys, content: Any = None) -> Any:
    """GET a control path, or PUT `content` there; the answer."""
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(  # noqa: S310 - http, loopback
        url, data=body, headers=keys.headers, method="GET" if body is None else "PUT"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.load(answer)
