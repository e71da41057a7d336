"""What the local cloud has beside AWS: a server of its own, an API of somebody else."""

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.local_cloud.processes import Process


@dataclass(frozen=True)
class Place:
    """Where a service is to listen, and the AWS that it may ask.

    `host` and `port` are its own; `endpoint` is the local cloud's, `key_file` has its keys.
    """

    host: str
    port: int
    endpoint: str
    key_file: Path


class Service:
    """A process of an application that `make up` starts and `make down` stops.

    A subclass gives all the names, `start` and `is_ready`; the rest has a default.
    """

    name: str
    """The process's name: in messages, and of its log."""
    title: str
    """What people call it."""
    port_variable: str
    """The environment variable that gives it another port."""
    usual_port: int
    announcement: str
    """What its log says once it listens: another process may answer on the same port."""
    stop_signal: int = signal.SIGTERM
    keeps: str = ""
    """What is still there after the local cloud ended without it, in a few words."""

    def prepare(self) -> None:
        """Make what a new service needs before its first start."""

    def start(self, place: Place) -> "Process":
        """Start the process. It is ready when `is_ready` says so."""
        raise NotImplementedError

    def is_ready(self, place: Place) -> bool:
        """Return whether it answers."""
        raise NotImplementedError

    def where(self, place: Place) -> str:
        """Return where it is, for `make status`."""
        return f"{place.host}:{place.port}"

    def terraform_variables(self, place: Place) -> dict[str, Any]:
        """Return the variables with which Terraform hands the service over on this machine."""
        return {}


def place_of(service: Service, cloud: dict[str, Any]) -> Place:
    """Return the place that a running local cloud (`cloud.json`) has given to a service."""
    from workbench.local_cloud.emulator import keys
    from workbench.local_cloud.ports import HOST
    from workbench.stages.stage import local_dir

    key_file = (local_dir() / keys.FILE).resolve()
    return Place(HOST, cloud["services"][service.name]["port"], cloud["endpoint"], key_file)
