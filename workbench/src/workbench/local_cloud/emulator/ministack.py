"""MiniStack's place in the local cloud: its settings and how it is started and asked."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from workbench.local_cloud import processes
from workbench.local_cloud.emulator import keys
from workbench.local_cloud.ports import HOST
from workbench.stages.errors import UserError
from workbench.stages.stage import LOCAL_ACCOUNT, LOCAL_REGION, ROOT

NAME = "ministack"
ANNOUNCEMENT = "Running on http"  # in its log, once it listens
# The environment that MiniStack and its Lambda workers run from.
CLOUD_ENVIRONMENT = ROOT / ".venv" / "cloud"
# Seconds in Wait states and retry delays are multiplied by this.
WAIT_SCALE = 0.05


def cloud_python() -> str:
    """The interpreter of the local cloud's environment; UserError when it is not set up."""
    python = CLOUD_ENVIRONMENT / "bin" / "python"
    if not python.exists():
        raise UserError(f"{CLOUD_ENVIRONMENT} is missing; make it with: make setup")
    return str(python)


def settings(port: int, key_file: Path) -> dict[str, Any]:
    """What MiniStack and its patches read from their environment."""
    return {
        keys.VARIABLE: key_file,
        "BIND_HOST": HOST,  # its own default would let anyone on the network run code
        "GATEWAY_PORT": port,
        "AUTH": "true",  # real signatures, IAM enforced
        "MINISTACK_REGION": LOCAL_REGION,
        "MINISTACK_ACCOUNT_ID": LOCAL_ACCOUNT,
        "IOT_MTLS_ENABLED": 0,  # it would open a port of its own
        "SFN_WAIT_SCALE": WAIT_SCALE,
        "LAMBDA_WARM_TTL_SECONDS": 60,
        # No limit: patches.functions.lambda_workers lets calls wait, which AWS does for hours, too.
        "LAMBDA_ACCOUNT_CONCURRENCY": 0,
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": 0.5,  # a minute on AWS
        "CLOUDTRAIL_RECORDING": 1,
        # It would start containers and fetch their images, where an engine answers.
        "DOCKER_HOST": "unix:///nonexistent",
        "LOG_LEVEL": "INFO",
    }


def start(port: int, key_file: Path) -> processes.Process:
    """Start MiniStack with its patches; it is ready when `is_ready` says so."""
    command = [cloud_python(), "-m", "workbench.local_cloud.emulator.launcher"]
    environment = processes.clean_environment(**settings(port, key_file))
    return processes.start(NAME, command, environment)


def is_ready(port: int) -> bool:
    """Whether MiniStack answers on the port."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=2) as answer:
            return "services" in json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return False
