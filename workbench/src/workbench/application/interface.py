"""What an application can say of itself. Each hook has a default: an application says little."""

import importlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from workbench.application.services import Service
from workbench.application.settings import FILE, SETTINGS, TABLE
from workbench.stages.errors import UserError
from workbench.stages.stage import Stage

if TYPE_CHECKING:
    import msgspec

    from workbench.local_cloud.deviations import Deviation
    from workbench.mutants.flaws import DataFlaws
    from workbench.permissions.need import Need
    from workbench.permissions.policies import Request
    from workbench.permissions.template import Template
    from workbench.replay.probe import Probe
    from workbench.replay.scenarios import Kind
    from workbench.replay.session import Session
    from workbench.sam_local.fixtures import Fixture, Given, Prepared
    from workbench.stages.deployed import Deployed

YEAR = 365 * 86400.0  # an execution's longest life


@dataclass(frozen=True)
class Longest:
    """How long a state can take at most where its definition leaves that to a setting; seconds.

    By default what AWS allows: a year, for a Map too.
    """

    task: float = YEAR
    wait: float = YEAR
    map: float = YEAR


@dataclass(frozen=True)
class Way:
    """How something went through an application: by which executions, and what else to say."""

    executions: Sequence[str] = ()
    notes: Sequence[str] = ()


class Application:
    """An application as the workbench sees it. A subclass overrides what it needs."""

    services: Sequence[Service] = ()
    """What the local cloud has beside AWS."""
    deviations: "Sequence[Deviation]" = ()
    """Where its services on the laptop differ from those elsewhere."""
    subject = ""
    """The field of log lines that says what they are about; `make logs` takes it in capitals."""
    longest = Longest()
    """How long its states can take."""
    deployed: "type[Deployed]"
    """Its deployed stage, with the names that its own commands need."""
    colours: Mapping[str, str] = MappingProxyType({})
    """The colours of its scenarios' outcomes in reports, as rich names them."""
    items_key = "items.json"
    """A key under which a Distributed Map finds its list of items."""
    listed_prefixes: Mapping[str, str] = MappingProxyType({})
    """Which prefix of a bucket functions list, by the action with which they do."""
    announced_types: Sequence[str] = ()
    """The types of events that `detail_type` may be where functions announce by it."""
    replayed_rules: Sequence[str] = ()
    """The rules whose receivers know an event again: archived events go to them."""
    watched: Sequence[str] = ()
    """The names of the scenarios that `make watch` replays after each save; else the first one."""
    given: "type[Given]"
    """What the `[given]` of a function's fixture may say."""
    first_tests: Mapping[str, Sequence[str]] = MappingProxyType({})
    """The tests that see a flaw of `make mutants` soonest, by the flaw's kind.

    Each text is a run of its own, of one or more paths. `system` names those that see it in what is
    deployed.
    """
    lints: Mapping[str, str] = MappingProxyType({})
    """The modules of its own linters, by name; each is run as a program."""
    checks: Mapping[str, str] = MappingProxyType({})
    """The modules of its own parts of `make check`, by name.

    Each has `reads() -> list[str]`, files and folders, and `find() -> Iterable[Finding]`.
    """
    benchmarks: Mapping[str, str] = MappingProxyType({})
    """The modules of its own measurements, by name; each has `measure() -> Iterator[Figure]`."""
    slow_imports: Mapping[str, float] = MappingProxyType({})
    """How many times boto3's import a function's may take; for functions that need more time."""
    hint_for_own_files = "copy it there, with a .toml that says what is expected"
    """What to do with a file that is no scenario of events/."""

    def __init__(self) -> None:
        from workbench.sam_local.fixtures import Given
        from workbench.stages.deployed import Deployed

        if not hasattr(self, "deployed"):
            self.deployed = Deployed
        if not hasattr(self, "given"):
            self.given = Given

    def needs(self, template: "Template") -> "Iterable[Need]":
        """Return what somebody outside the template must be allowed to do."""
        return ()

    def unwanted(self, template: "Template") -> "Sequence[Request]":
        """Return what must be denied, whoever asks and whatever allows it."""
        return ()

    def published(self) -> "Mapping[str, tuple[str, type[msgspec.Struct]]]":
        """Return source and detail of each published event, by its type: for their schemas."""
        return {}

    def fixed_fields(self, detail_type: str) -> Mapping[str, object]:
        """Return the schemas of a detail's fields that depend on the event's type."""
        return {}

    def schema_version(self) -> str:
        """Return the version of the events that the code publishes."""
        return "1.0"

    def kinds(self) -> "Mapping[str, Kind]":
        """Return how the scenarios of its own folders below events/ are read and played."""
        return {}

    def session(self, deployed: "Deployed", probe: "Probe") -> "Session":
        """Return a new replay's session."""
        from workbench.replay.session import Session

        return Session(deployed, probe)

    def signs_of(self, event: Mapping[str, Any]) -> Sequence[str]:
        """Return the texts by which logs and messages speak of what an event of AWS is about."""
        return ()

    def way_of(self, deployed: "Deployed", about: str) -> Way:
        """Return how that which `subject` names has gone; UserError when there is no such thing.

        `executions` are ARNs; `notes` are lines for people.
        """
        return Way()

    def prepared(
        self, deployed: "Deployed", fixture: "Fixture"
    ) -> "AbstractContextManager[Prepared]":
        """Make what a function's fixture needs beforehand; nothing of it is left afterwards."""
        from workbench.sam_local.given import prepared

        return prepared(deployed, fixture)

    def data_flaws(self) -> "Sequence[DataFlaws]":
        """Return the flaws that `make mutants` puts into data files of its own."""
        return ()

    def lacking(self, parameters: Mapping[str, str]) -> Sequence[str]:
        """Return what production lacks with these values of the template's parameters."""
        return ()

    def check_files(self) -> None:
        """Raise UserError for a file of the application's own that cannot be deployed."""

    def add_to_package(self, stage: Stage, folder: Path) -> None:
        """Add files to what `sam build` has made in `folder`, a folder for each function."""

    def after_platform(self, stage: Stage) -> None:
        """Do what must be done between the platform's deployment and the application's."""

    def after_deployment(self, stage: Stage) -> None:
        """Do what must be done when all is deployed."""


@cache
def application() -> Application:
    """Return what `[tool.workbench]` names; an application of defaults where it names nothing.

    Raises UserError when the module cannot be imported or has no such object.
    """
    if not SETTINGS.application:
        return Application()
    where = f'{FILE.name}: {TABLE} application = "{SETTINGS.application}"'
    module, _, name = SETTINGS.application.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, SyntaxError) as error:
        raise UserError(f"{where}: the module cannot be imported: {error}") from None
    except AttributeError:
        raise UserError(f"{where}: {module} has no {name}; write a name that it has") from None
    if not isinstance(found, Application):
        raise UserError(f"{where}: it is not a workbench.application.interface.Application")
    return found
