"""A running replay: the stage, and the window on its events."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from workbench.replay.figures import Figures
from workbench.replay.probe import Probe
from workbench.replay.result import Result, failed
from workbench.replay.scenarios import Scenario, kind_of
from workbench.stages.deployed import Deployed
from workbench.stages.errors import UserError


class Reconciled(Protocol):
    """What holding the stage's stores against each other has found."""

    @property
    def balanced(self) -> bool:
        """Whether they agree."""

    def lines(self) -> Sequence[str]:
        """Return what was found, for people."""


@dataclass
class Session:
    """A running replay. An application's own keeps what its scenarios have done, and checks it."""

    deployed: Deployed
    probe: Probe
    # S3 gives an upload's time in whole seconds.
    started: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def play(self, scenario: Scenario) -> Result:
        """Let a scenario happen and compare; what AWS refuses is a difference, too."""
        start, now = time.monotonic(), datetime.now(UTC)
        try:
            return replace(kind_of(scenario).play(self, scenario), started=now)
        except (UserError, ClientError, BotoCoreError) as error:
            seconds = time.monotonic() - start
            return replace(failed(scenario, seconds, str(error)), started=now)

    def not_checked(self) -> list[str]:
        """Return what cannot be checked on this stage, a line each."""
        return []

    def reconcile(self) -> Reconciled | None:
        """Return what a reconciliation of this replay finds; None when there is none."""
        return None

    def details(self, result: Result) -> list[tuple[str, str]]:
        """Return (name, value) of what else the closing report shows of a result."""
        return []

    def totals(self, results: Sequence[Result]) -> Sequence[Figures]:
        """Return what all results come to."""
        return ()

    def hints(self, results: list[Result]) -> list[tuple[str, str]]:
        """Return (command or place, what it shows) of where to look next."""
        return []
