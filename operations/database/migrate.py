"""Brings the stage's database to what the deployed code needs: the last step of `make deploy`."""

import json

from botocore.config import Config

from workbench.stages.errors import UserError
from workbench.stages.stage import Stage

# As long as the function may take, and never twice: the first call may still be at work.
PATIENCE = Config(read_timeout=910, retries={"total_max_attempts": 1})
REFUSED = (
    "; its administrator applies src/order_intake/migrations/bootstrap.sql and gives "
    "order_intake_owner the password of the secret {prefix}/database-owner (docs/operations.md)"
)


def migrate(stage: Stage) -> list[str]:
    """Apply the migrations that are missing; their names. None where the stage has no database.

    Raises UserError when the function fails: files wait for the database then.
    """
    found = stage.client("lambda")
    client = stage.session().client("lambda", endpoint_url=found.meta.endpoint_url, config=PATIENCE)
    answer = client.invoke(FunctionName=f"{stage.prefix}-MigrateDatabase", Payload=b"{}")
    said = json.load(answer["Payload"])
    if "FunctionError" in answer:
        kind = said.get("errorType")
        hint = REFUSED.format(prefix=stage.prefix) if kind == "DatabaseRefused" else ""
        raise UserError(f"the database is not migrated: {kind}: {said.get('errorMessage')}{hint}")
    applied: list[str] = said["applied"]
    return applied
