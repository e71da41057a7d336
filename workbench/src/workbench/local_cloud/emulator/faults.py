"""What can be made to go wrong on the local stage, and put right again.

The emulator's requests and workers (`patches/faults.py`), the rates API and the webhook
(`outside.py`), the database. Nothing of this reaches another stage.
"""

import contextlib
import json
import time
import urllib.request
from collections.abc import Iterator
from datetime import date
from typing import Any

from psycopg import sql

from operations.services import database, postgres
from workbench.local_cloud import interrupts, processes, state
from workbench.local_cloud.emulator.keys import Keys
from workbench.stages.errors import UserError
from workbench.stages.stage import Stage, local_keys, running_cloud

# Where the emulator takes them; `patches/faults.py` answers there.
FAULTS = "/_order_intake/faults"
_READY_SECONDS = 30.0


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
    `times`, and `action`: `throttle`, `deny`, `hold` (for `seconds`) or `kill` (the `function` that
    asks).
    """
    _switch({"requests": faults})


def requests_left() -> list[int]:
    """How often each fault of `set_requests` is still to strike."""
    answer = _switch()
    return [fault["times"] for fault in answer["requests"]]


def set_outside(**apis: dict[str, Any]) -> None:
    """Let `rates` and `webhook` fail as their fields say; `{}` lets one work again."""
    _outside("/control", apis)


def set_rates_day(last: date | None) -> None:
    """Let the rates API have rates up to this day and no further; None: up to today."""
    _outside("/day", {"last": last.isoformat() if last else None})


def outside_left() -> dict[str, int]:
    """How many calls of the rates API and of the webhook are still to fail."""
    answer = _outside("/control")
    return {name: trouble["fail_next"] for name, trouble in answer.items()}


def webhook_received() -> list[Any]:
    """What the partners' webhook took, oldest first."""
    answer: list[Any] = _outside("/received")
    return answer


def stop_database() -> None:
    """Stop the local database: sessions end, connections are refused."""
    with interrupts.held():
        processes.stop(postgres.NAME)


def start_database() -> None:
    """Start the local database again, with all it holds; nothing to do when it runs."""
    if any(one.name == postgres.NAME and one.alive for one in processes.recorded()):
        return
    port = int(running_cloud()["database"]["port"])
    with state.locked(), interrupts.held():
        process = postgres.start(port)
        cloud = running_cloud()
        cloud["database"]["pid"] = process.pid
        state.write_json("cloud.json", cloud)
    deadline = time.monotonic() + _READY_SECONDS
    while not postgres.is_ready(port):
        processes.check(process)
        if time.monotonic() > deadline:
            raise UserError(f"the database did not start; {processes.last_lines(postgres.NAME)}")
        time.sleep(0.05)


def rotate_password(stage: Stage, password: str) -> None:
    """Give the functions' user another password, in the database and in the secret."""
    port = int(running_cloud()["database"]["port"])
    wanted = database.secret(stage) | {"password": password}
    with postgres.connect_as_owner(port) as server:
        database.set_password(server, wanted)
    stage.client("secretsmanager").put_secret_value(
        SecretId=f"{stage.prefix}/database", SecretString=json.dumps(wanted)
    )


@contextlib.contextmanager
def locked_table() -> Iterator[None]:
    """Let nobody write order lines, so that a load stops in the middle of its transaction."""
    port = int(running_cloud()["database"]["port"])
    with postgres.connect_as_owner(port, postgres.DATABASE) as server, server.transaction():
        server.execute(sql.SQL("LOCK TABLE order_line IN ACCESS EXCLUSIVE MODE"))
        yield


def _switch(content: Any = None) -> Any:
    return ask(running_cloud()["endpoint"] + FAULTS, local_keys(), content)


def _outside(path: str, content: Any = None) -> Any:
    return ask(running_cloud()["outside"]["base_url"] + path, local_keys(), content)


def ask(url: str, keys: Keys, content: Any = None) -> Any:
    """GET a control path, or PUT `content` there; the answer."""
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(  # noqa: S310 - http, loopback
        url, data=body, headers=keys.headers, method="GET" if body is None else "PUT"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.load(answer)
