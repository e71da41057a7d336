"""The application's deployed stage: the names of the parts that operators' commands work with."""

from typing import Any

from workbench.stages import deployed
from workbench.stages.stage import Stage


def uploads_bucket(stage: Stage, account: str) -> str:
    """Return the name of a stage's uploads bucket."""
    return f"{stage.prefix}-uploads-{account}-{stage.region}"


class Deployed(deployed.Deployed):
    """A deployed stage of order intake."""

    @property
    def bucket(self) -> str:
        """The uploads bucket's name."""
        return uploads_bucket(self.stage, self.account)

    @property
    def ledger(self) -> str:
        """The ledger table's name."""
        return f"{self.stage.prefix}-ledger"

    @property
    def orders_bus(self) -> str:
        """The orders bus's name."""
        return self.bus_name("orders")

    def upload_event(self, key: str, size: int) -> dict[str, Any]:
        """Return the event that S3 would send for an upload of `size` bytes; to ask rules."""
        return self.object_created(self.bucket, key, size)
