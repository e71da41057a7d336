"""The rates API and the webhook as a service of the local cloud."""

import urllib.error
import urllib.request
from typing import Any

from workbench.application.services import Place, Service
from workbench.local_cloud import processes
from workbench.local_cloud.emulator import keys, ministack
from workbench.local_cloud.ports import HOST
from workbench.stages.stage import LOCAL_REGION, Stage, running_cloud

NAME = "outside"


class Outside(Service):
    """What lies outside the account, in one small server (`outside.py`)."""

    name = NAME
    title = "the rates API and the webhook"
    port_variable = "OUTSIDE_PORT"
    usual_port = 4580
    announcement = "listening"

    def start(self, place: Place) -> processes.Process:
        """Start the server; it is ready when `is_ready` says so."""
        environment = processes.clean_environment(
            OUTSIDE_HOST=place.host,
            OUTSIDE_PORT=place.port,
            ENDPOINT=place.endpoint,
            PREFIX=Stage("local").prefix,
            REGION=LOCAL_REGION,
            **{keys.VARIABLE: place.key_file},
        )
        command = [ministack.cloud_python(), "-m", "operations.services.outside"]
        return processes.start(NAME, command, environment, self.stop_signal)

    def is_ready(self, place: Place) -> bool:
        """Return whether the server answers."""
        try:
            with urllib.request.urlopen(f"{_base(place.port)}/health", timeout=2):  # noqa: S310
                return True
        except (urllib.error.URLError, OSError):
            return False

    def where(self, place: Place) -> str:
        """Return the addresses of both APIs."""
        addresses = self.terraform_variables(place)
        return f"{addresses['rates_api']['base_url']} and {addresses['partner_webhook']['url']}"

    def terraform_variables(self, place: Place) -> dict[str, Any]:
        """Return where both APIs are; Terraform generates their keys."""
        base = _base(place.port)
        return {
            "rates_api": {"base_url": f"{base}/v1", "key": "generated"},
            "partner_webhook": {"url": f"{base}/partner/orders", "key": "generated"},
        }


def base() -> str:
    """Return the running server's address. Raises UserError when there is no local cloud."""
    return _base(running_cloud()["services"][NAME]["port"])


def _base(port: int) -> str:
    return f"http://{HOST}:{port}"
