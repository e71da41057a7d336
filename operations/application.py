"""Order intake, as it describes itself to the workbench."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from operations.checks import permissions, profiles, published
from operations.checks.first_tests import FIRST_TESTS
from operations.database import database_ca
from operations.database.connection import secret_arn
from operations.database.migrate import migrate
from operations.deployed import Deployed
from operations.files import way
from operations.scenarios import session
from operations.scenarios.given import IntakeGiven, prepared
from operations.services.database import connect_database
from operations.services.outside_process import Outside
from operations.services.postgres import Postgres
from workbench.application.interface import Application, Longest, Way
from workbench.deployment.deploy import step
from workbench.local_cloud.deviations import Deviation
from workbench.permissions.need import Need
from workbench.permissions.policies import Request
from workbench.permissions.template import Template
from workbench.replay.probe import Probe
from workbench.replay.scenarios import Kind
from workbench.sam_local.fixtures import Fixture, Prepared
from workbench.stages import deployed as base
from workbench.stages.stage import Stage
from workbench.stages.visible import say

if TYPE_CHECKING:
    from workbench.mutants.flaws import DataFlaws

# MaxValue of the template's ApprovalTimeoutSeconds.
LONGEST_APPROVAL = 1123200
# Quiet hours last less.
DAY = 86400
# A file's chunks: MaxFileBytes in chunks of 2 MiB, MapMaxConcurrency at a time, each at most as
# long as an Express execution may take.
LONGEST_MAP = -(-(1073741824 // (2 * 1024 * 1024)) // 5) * 300


class OrderIntake(Application):
    """What is special about this application."""

    services = (Outside(), Postgres())
    deviations = (
        Deviation(
            "The rates API knows one day, 2010-12-31, and makes those of later working days of it.",
            "the real file needs that day, and nothing is to be fetched from outside",
            "house amounts of other days are examples",
            "tests/local_cloud/test_local_cloud.py::test_rates_are_of_working_days",
        ),
    )
    subject = "file_id"
    longest = Longest(task=LONGEST_APPROVAL, wait=DAY, map=LONGEST_MAP)
    items_key = "work/f/manifest.json"
    listed_prefixes = MappingProxyType(
        {"s3:ListBucketVersions": "incoming/", "s3:ListBucket": "work/"}
    )
    announced_types = published.OUTCOMES
    deployed = Deployed
    # One by each route.
    watched = ("small_valid_file", "larger_valid_file")
    given = IntakeGiven
    colours = MappingProxyType(
        {
            "Accepted": "green",
            "Rejected": "yellow",
            "Declined": "yellow",
            "Duplicate": "cyan",
            "AwaitingApproval": "cyan",
        }
    )
    # The partner's webhook gets the same Idempotency-Key; a decision is not applied twice.
    replayed_rules = ("OutcomeAnnounced", "ApprovalDecided")
    checks = MappingProxyType({"profiles": "operations.checks.profiles"})
    lints = MappingProxyType({"partner profiles": "operations.checks.profiles"})
    first_tests = FIRST_TESTS
    benchmarks = MappingProxyType(
        {name: f"operations.bench.{name}" for name in ("pricing", "memory", "cloud")}
    )
    # The database's driver.
    slow_imports = MappingProxyType(
        dict.fromkeys(("LoadOrders", "MigrateDatabase", "RotateDatabaseSecret"), 1.6)
    )
    hint_for_own_files = "to send a file of your own: make send FILE=… PARTNER=…"

    def needs(self, template: Template) -> Iterable[Need]:
        """Return what a partner must be allowed to do."""
        return permissions.needs(template)

    def unwanted(self, template: Template) -> Sequence[Request]:
        """Return what nobody may do with the uploads bucket."""
        return permissions.unwanted(template)

    def published(self) -> Mapping[str, tuple[str, type[msgspec.Struct]]]:
        """Return the events of the orders bus."""
        return published.kinds()

    def fixed_fields(self, detail_type: str) -> Mapping[str, object]:
        """Return what an outcome's event says as its outcome."""
        if detail_type not in published.OUTCOMES:
            return {}
        return {"outcome": {"enum": [detail_type.removeprefix("OrderFile")]}}

    def schema_version(self) -> str:
        """Return the version that the code publishes."""
        return published.version()

    def kinds(self) -> Mapping[str, Kind]:
        """Return how uploads and the reconciliation's call are read and played."""
        return session.KINDS

    def session(self, deployed: base.Deployed, probe: Probe) -> session.IntakeSession:
        """Return a new replay's session."""
        if not isinstance(deployed, Deployed):
            raise TypeError(deployed)
        return session.IntakeSession(deployed, probe)

    def signs_of(self, event: Mapping[str, Any]) -> Sequence[str]:
        """Return the file's id, of the event of an upload."""
        return way.signs_of(event)

    def way_of(self, deployed: base.Deployed, about: str) -> Way:
        """Return the execution that a file went by; of the direct route, how to see its log."""
        return way.way_of(Deployed(deployed.stage, deployed.account), about)

    def prepared(
        self, deployed: base.Deployed, fixture: Fixture
    ) -> AbstractContextManager[Prepared]:
        """Make the uploads and rows that a function's fixture needs beforehand."""
        return prepared(Deployed(deployed.stage, deployed.account), fixture)

    def data_flaws(self) -> "Sequence[DataFlaws]":
        """Return the flaws of partners' profiles."""
        from operations.checks.flaws import FLAWS  # parsers that other commands do without

        return [FLAWS]

    def lacking(self, parameters: Mapping[str, str]) -> Sequence[str]:
        """Return what is missing where nobody hears of alarms and approvals."""
        if parameters["OperatorsEmail"] not in ("", "none"):
            return ()
        return ["nobody hears of alarms and approvals (OperatorsEmail=operators@example.com)"]

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
                say(f"  applied {name}", flush=True)


APPLICATION = OrderIntake()
