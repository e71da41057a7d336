"""What an application can say of itself. Each hook has a default: an application says little."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from workbench.application.services import Service
from workbench.application.settings import FILE, SETTINGS, TABLE
from workbench.stages.errors import UserError
from workbench.stages.stage import Stage

YEAR = 365 * 86400.0  # an execution's longest life


@dataclass(frozen=True)
class Longest:
    """How long a state can take at most where its definition leaves that to a setting; seconds.

    By default what AWS allows: a year, for a Map too.
    """

    task: float = YEAR
    wait: float = YEAR
    map: float = YEAR


class Application:
    """An application as the workbench sees it. A subclass overrides what it needs."""

    services: Sequence[Service] = ()
    """What the local cloud has beside AWS."""
    longest = Longest()
    """How long its states can take."""

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
    except ImportError as error:
        raise UserError(f"{where}: the module cannot be imported: {error}") from None
    except AttributeError:
        raise UserError(f"{where}: {module} has no {name}; write a name that it has") from None
    if not isinstance(found, Application):
        raise UserError(f"{where}: it is not a workbench.application.interface.Application")
    return found
