"""The rates API and the webhook as a process of the local cloud."""

import urllib.error
import urllib.request
from pathlib import Path

from workbench.local_cloud import processes
from workbench.local_cloud.emulator import keys, ministack
from workbench.local_cloud.ports import HOST
from workbench.stages.stage import LOCAL_REGION, Stage

NAME = "outside"


def start(port: int, endpoint: str, key_file: Path) -> processes.Process:
    """Start the server; it is ready when `is_ready` says so."""
    environment = processes.clean_environment(
        OUTSIDE_HOST=HOST,
        OUTSIDE_PORT=port,
        ENDPOINT=endpoint,
        PREFIX=Stage("local").prefix,
        REGION=LOCAL_REGION,
        **{keys.VARIABLE: key_file},
    )
    command = [ministack.cloud_python(), "-m", "operations.services.outside"]
    return processes.start(NAME, command, environment)


def is_ready(base: str) -> bool:
    """Whether the server answers."""
    try:
        with urllib.request.urlopen(f"{base}/health", timeout=2):  # noqa: S310 - http, loopback
            return True
    except (urllib.error.URLError, OSError):
        return False
