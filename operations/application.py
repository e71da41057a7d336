"""Order intake, as it describes itself to the workbench."""

from pathlib import Path

from operations import profiles
from operations.database import database_ca
from operations.database.connection import secret_arn
from operations.database.migrate import migrate
from operations.services.database import connect_database
from operations.services.outside_process import Outside
from operations.services.postgres import Postgres
from workbench.application.interface import Application, Longest
from workbench.deployment.deploy import step
from workbench.stages.stage import Stage

# MaxValue of the template's ApprovalTimeoutSeconds.
LONGEST_APPROVAL = 1123200
# Quiet hours last less.
DAY = 86400
# A file's chunks: MaxFileBytes in chunks of 2 MiB, MapMaxConcurrency at a time, each at most as
# long as an Express execution may take.
LONGEST_MAP = -(-(1073741824 // (2 * 1024 * 1024)) // 5) * 300


class OrderIntake(Application):
    """What is special about this application."""

    services = (Postgres(), Outside())
    longest = Longest(task=LONGEST_APPROVAL, wait=DAY, map=LONGEST_MAP)

    def check_files(self) -> None:
        """Raise UserError for a partner's profile that does not read."""
        profiles.check()

    def add_to_package(self, stage: Stage, folder: Path) -> None:
        """Add the certificates by which the database on AWS is known, where a stage has one."""
        if not stage.is_local and secret_arn(stage):
            database_ca.add_to(folder)

    def after_platform(self, stage: Stage) -> None:
        """Make the local database and its roles; on AWS its administrator does so, once."""
        if stage.is_local:
            with step("database (as its administrator: roles, passwords)"):
                connect_database(stage)

    def after_deployment(self, stage: Stage) -> None:
        """Apply the migrations: they come with the code, and loads that need them wait."""
        with step("database (migrations)"):
            for name in migrate(stage):
                print(f"  applied {name}", flush=True)


APPLICATION = OrderIntake()
