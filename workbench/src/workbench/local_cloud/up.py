"""`make up`: starts what is not running, or nothing at all."""

import os
import time
from collections.abc import Callable
from typing import Any

from workbench.application.interface import application
from workbench.application.services import Place, Service, place_of
from workbench.local_cloud import interrupts, ports, processes, state
from workbench.local_cloud.emulator import keys, ministack
from workbench.stages.errors import UserError, agreed
from workbench.stages.stage import LOCAL_REGION, ROOT
from workbench.stages.waiting import within

_READY_SECONDS = 60.0
CLOUD_PORT = 4566


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

    The cloud itself keeps all that is deployed in its memory. A service has nothing to lose, or
    keeps it in a folder.
    """
    ended = {process.name: process for process in processes.recorded() if not process.alive}
    if ministack.NAME in ended or not processes.recorded():
        return False
    for name, process in ended.items():
        print(f"{name} ended; starting it again", flush=True)
        processes.await_group(process)
    with interrupts.interruptible():
        for service in application().services:
            if service.name in ended:
                start_service(service, place_of(service, cloud))
    return True


def _ask_to_clear() -> None:
    """Ask before what is left of a cloud that ended is cleared away. YES=1 answers it."""
    print("the local cloud ended, and with it all that was deployed and stored in it.")
    for service in application().services:
        if service.keeps:
            print(f"{service.keeps} are still there; a new cloud begins without them.")
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
    known = application().services
    cloud_port = ports.choose("CLOUD_PORT", CLOUD_PORT)
    services = {one: ports.choose(one.port_variable, one.usual_port) for one in known}
    endpoint = f"http://{ports.HOST}:{cloud_port}"
    key_file = state.folder() / keys.FILE
    keys.make(key_file)
    keys.write_profile(state.aws_profile(), endpoint, LOCAL_REGION, key_file)
    places = {one: Place(ports.HOST, port, endpoint, key_file) for one, port in services.items()}
    cloud = ministack.start(cloud_port, key_file)
    started = []
    for service, place in places.items():
        service.prepare()
        started.append((service, place, service.start(place)))
    for service, place, process in started:
        _wait_for(service, place, process)
    _wait("the cloud", cloud, ministack.ANNOUNCEMENT, lambda: ministack.is_ready(cloud_port))
    about = {
        "endpoint": endpoint,
        "checkout": str(ROOT),
        "started_by": os.getuid(),
        "cloud_port": cloud_port,
        "services": {one.name: {"port": port} for one, port in services.items()},
        "variables": {
            name: value
            for one, place in places.items()
            for name, value in one.terraform_variables(place).items()
        },
    }
    state.write_json("cloud.json", about)
    return about


def start_service(service: Service, place: Place) -> None:
    """Start a service and wait until it answers. Raises UserError when it does not."""
    _wait_for(service, place, service.start(place))


def _wait_for(service: Service, place: Place, process: processes.Process) -> None:
    _wait(service.title, process, service.announcement, lambda: service.is_ready(place))


def _wait(what: str, process: processes.Process, announced: str, ready: Callable[[], bool]) -> None:
    """Wait until `ready`; UserError when the process ends or takes too long.

    Another cloud may answer on the same port, begun at the same moment: so this one must have
    logged what it announces, too.
    """

    def answers() -> bool:
        processes.check(process)
        return processes.has_logged(process.name, announced) and ready()

    if not within(_READY_SECONDS, answers):
        end = processes.last_lines(process.name)
        raise UserError(f"{what} did not answer within {_READY_SECONDS:.0f} s; {end}")
    print(f"  {what} answers", flush=True)
