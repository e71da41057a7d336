"""`make up`: starts what is not running, or nothing at all."""

import os
import time
from collections.abc import Callable
from typing import Any

from operations.services import outside_process, postgres
from workbench.local_cloud import interrupts, ports, processes, state
from workbench.local_cloud.emulator import keys, ministack
from workbench.stages.errors import UserError, agreed
from workbench.stages.stage import LOCAL_REGION, ROOT

_READY_SECONDS = 60.0
# What a process logs once it listens.
_ANNOUNCEMENTS = {
    ministack.NAME: "Running on http",
    outside_process.NAME: "listening",
    postgres.NAME: "listening on",
}
CLOUD_PORT, DATABASE_PORT, OUTSIDE_PORT = 4566, 54329, 4580


def up() -> None:
    """Start the local cloud and wait until all of it answers; nothing to do when it runs.

    Raises UserError when it cannot start; then, and when interrupted, nothing is left running.
    """
    started = time.monotonic()
    with state.locked():
        if cloud := state.read_json("cloud.json"):
            if _go_on(cloud):
                _check_named_ports(cloud)
                print(f"the local cloud is up: {cloud['endpoint']}")
                return
            _ask_to_clear()
        elif processes.recorded():
            print("found a local cloud that did not finish its start; clearing it away")
        if os.geteuid() == 0:
            print(
                "warning: you are root, and the local cloud runs functions as the user who starts "
                "it: their code may do anything on this machine; better use an ordinary user"
            )
        with interrupts.interruptible():
            _clear()
            try:
                cloud = _start()
            except BaseException:
                _clear()
                raise
    print(f"the local cloud is up after {time.monotonic() - started:.1f} s: {cloud['endpoint']}")


def _go_on(cloud: dict[str, Any]) -> bool:
    """Start again what ended of a cloud that still has all it holds; False when it has not.

    The cloud itself keeps uploads, ledger and deployment in its memory. PostgreSQL has its data in
    a folder, and what stands for the outside world has nothing to lose.
    """
    ended = {process.name: process for process in processes.recorded() if not process.alive}
    if ministack.NAME in ended or not processes.recorded():
        return False
    for name, process in ended.items():
        print(f"{name} ended; starting it again", flush=True)
        processes.await_group(process)
    with interrupts.interruptible():
        if postgres.NAME in ended:
            port = cloud["database"]["port"]
            server = postgres.start(port)
            cloud["database"]["pid"] = server.pid
            _wait("PostgreSQL", server, lambda: postgres.is_ready(port))
        if outside_process.NAME in ended:
            key_file = state.folder() / keys.FILE
            outside = outside_process.start(cloud["outside"]["port"], cloud["endpoint"], key_file)
            cloud["apis_pid"] = outside.pid
            base = cloud["outside"]["base_url"]
            _wait("the rates API and the webhook", outside, lambda: outside_process.is_ready(base))
    if ended:
        state.write_json("cloud.json", cloud)
    return True


def _ask_to_clear() -> None:
    """Ask before what is left of a cloud that ended is cleared away. YES=1 answers it."""
    print("the local cloud ended, and with it uploads, ledger and deployment.")
    print("Its database's orders are still there; a new cloud begins without them.")
    if not agreed("Clear them away?"):
        raise UserError(
            f"nothing was changed; answer y, say YES=1, or look at {state.folder('logs')} first"
        )


def _check_named_ports(cloud: dict[str, Any]) -> None:
    """Raise UserError when the caller names another port than the one that the cloud runs on."""
    named = os.environ.get("CLOUD_PORT")
    if named and named != str(cloud["cloud_port"]):
        raise UserError(
            f"the local cloud is up on port {cloud['cloud_port']}, not on CLOUD_PORT={named}; "
            "stop it first with: make down"
        )


def all_alive() -> bool:
    """Whether every process of the local cloud runs."""
    recorded = processes.recorded()
    return bool(recorded) and all(process.alive for process in recorded)


def _clear() -> None:
    """Stop what runs and forget it, however often Ctrl-C is pressed."""
    with interrupts.held():
        processes.stop_all()
        state.remove()


def _start() -> dict[str, Any]:
    """Start everything; what `cloud.json` says of it."""
    cloud_port = ports.choose("CLOUD_PORT", CLOUD_PORT)
    database_port = ports.choose("DATABASE_PORT", DATABASE_PORT)
    outside_port = ports.choose("OUTSIDE_PORT", OUTSIDE_PORT)
    endpoint = f"http://{ports.HOST}:{cloud_port}"

    key_file = state.folder() / keys.FILE
    keys.make(key_file)
    keys.write_profile(state.aws_profile(), endpoint, LOCAL_REGION, key_file)
    cloud = ministack.start(cloud_port, key_file)
    outside = outside_process.start(outside_port, endpoint, key_file)
    postgres.initialise()
    database = postgres.start(database_port)

    _wait("PostgreSQL", database, lambda: postgres.is_ready(database_port))
    _wait("the cloud", cloud, lambda: ministack.is_ready(cloud_port))
    base = f"http://{ports.HOST}:{outside_port}"
    _wait("the rates API and the webhook", outside, lambda: outside_process.is_ready(base))

    about = {
        "endpoint": endpoint,
        "checkout": str(ROOT),
        "started_by": os.getuid(),
        "cloud_port": cloud_port,
        "cloud_pid": cloud.pid,
        "database": {
            "host": ports.HOST,
            "port": database_port,
            "dbname": postgres.DATABASE,
            "username": postgres.APP_ROLE,
            "pid": database.pid,
        },
        "rates_api": {"base_url": f"{base}/v1"},
        "partner_webhook": {"url": f"{base}/partner/orders"},
        "outside": {"base_url": base, "port": outside_port},
        "apis_pid": outside.pid,
    }
    state.write_json("cloud.json", about)
    return about


def _wait(what: str, process: processes.Process, ready: Callable[[], bool]) -> None:
    """Wait until `ready`; UserError when the process ends or takes too long."""
    deadline = time.monotonic() + _READY_SECONDS
    # Another cloud may answer on the same port, begun at the same moment: this one has to say so.
    announced = _ANNOUNCEMENTS[process.name]
    while not (processes.has_logged(process.name, announced) and ready()):
        processes.check(process)
        if time.monotonic() > deadline:
            end = processes.last_lines(process.name)
            raise UserError(f"{what} did not answer within {_READY_SECONDS:.0f} s; {end}")
        time.sleep(0.05)
    print(f"  {what} answers", flush=True)
