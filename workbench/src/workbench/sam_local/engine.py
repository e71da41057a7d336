"""The container engine of this machine: is one there, and where do containers meet the host?"""

import fcntl
import ipaddress
import json
import shutil
import socket
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from workbench.stages.errors import UserError

INSTALL = "https://docs.docker.com/engine/install"
_PULL_SECONDS = 600.0
_GET_ADDRESS = 0x8915  # SIOCGIFADDR


@dataclass(frozen=True)
class Bridge:
    """The engine's own network: the host's address in it, and whose containers are in it."""

    address: str
    subnet: ipaddress.IPv4Network


def find_fault() -> str | None:
    """What keeps this machine from running containers, and what to do; None when nothing does."""
    if not shutil.which("docker"):
        return f"no container engine is installed; get one: {INSTALL}"
    try:
        answer = _docker("version", "--format", "{{.Server.Version}}", timeout=20)
    except subprocess.TimeoutExpired:
        return "the container engine does not answer; restart it: sudo systemctl restart docker"
    if answer.returncode == 0:
        return None
    said = (answer.stderr + answer.stdout).lower()
    if "permission denied" in said:
        return (
            "you may not use the container engine; join its group, then log in anew: "
            'sudo usermod -aG docker "$USER"'
        )
    return "the container engine is not running; start it: sudo systemctl start docker"


def check() -> None:
    """Raise UserError when no container can be run here."""
    fault = find_fault()
    if fault:
        raise UserError(fault)


def bridge() -> Bridge:
    """The engine's default network. Raises UserError when the engine runs on another machine."""
    answer = _docker("network", "inspect", "bridge")
    found: list[dict[str, Any]] = json.loads(answer.stdout) if answer.returncode == 0 else []
    for network in found:
        name = network["Options"].get("com.docker.network.bridge.name", "docker0")
        for config in network["IPAM"]["Config"] or []:
            subnet = ipaddress.ip_network(config["Subnet"])
            address = _address_of(name)
            if address and isinstance(subnet, ipaddress.IPv4Network):
                return Bridge(address, subnet)
    raise UserError(
        "the container engine's bridge is not on this machine (Docker Desktop, rootless?); "
        f"`sam local` needs an engine that runs here: {INSTALL}"
    )


def has_image(name: str) -> bool:
    """Whether an image is on this machine."""
    return _docker("image", "inspect", name).returncode == 0


def label_of(image: str, label: str) -> str:
    """A label of an image; empty when image or label is not there."""
    form = f'{{{{index .Config.Labels "{label}"}}}}'
    return _docker("image", "inspect", "--format", form, image).stdout.strip()


def pull(image: str) -> bool:
    """Get an image from its registry; False when that cannot be reached or does not have it."""
    try:
        return _docker("pull", "--quiet", image, timeout=_PULL_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def remove_image(image: str) -> None:
    """Remove an image, if it is there and no container uses it."""
    _docker("image", "rm", image)


def import_image(name: str, changes: list[str], content: IO[bytes]) -> None:
    """Make an image of a tar file; raises UserError with the engine's words when it refuses."""
    options = [part for change in changes for part in ("--change", change)]
    done = subprocess.run(
        ["docker", "import", *options, "-", name], stdin=content, capture_output=True, text=True
    )
    if done.returncode:
        raise UserError(f"the container engine did not take the image: {done.stderr.strip()}")


def containers_with(folder: Path) -> list[str]:
    """The ids of SAM's containers that have code of `folder`: those of no one else."""
    label = "label=sam.cli.container.type=lambda"
    form = "{{range .Mounts}}{{.Source}}\n{{end}}"
    found = []
    for container in _docker("ps", "--all", "--quiet", "--filter", label).stdout.split():
        sources = _docker("inspect", "--format", form, container).stdout.splitlines()
        if any(Path(source).is_relative_to(folder) for source in sources if source):
            found.append(container)
    return found


def remove_containers(containers: list[str]) -> None:
    """Remove containers, running or not."""
    if containers:
        _docker("rm", "--force", *containers)


def _docker(*arguments: str, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=timeout, check=False
    )


def _address_of(interface: str) -> str:
    """The IPv4 address of a network interface of this machine; empty when it has none."""
    request = struct.pack("256s", interface.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            answer = fcntl.ioctl(asked.fileno(), _GET_ADDRESS, request)
        except OSError:
            return ""
    return socket.inet_ntoa(answer[20:24])
