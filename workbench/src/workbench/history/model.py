"""What an execution of a state machine did, as plain data."""

from datetime import datetime
from typing import Any

import msgspec

RUNNING = "running"
SUCCEEDED = "succeeded"
CAUGHT = "caught"  # it failed, and a Catch took the error
FAILED = "failed"
STOPPED = "stopped"  # it had not ended when the execution did


class Try(msgspec.Struct):
    """One attempt of a state's work; a second one is a retry."""

    started: datetime
    ended: datetime | None = None
    error: str | None = None
    cause: str | None = None


class State(msgspec.Struct):
    """One visit to a state. `error` and `cause` are what it failed with, also where it is caught.

    Values are as they were; whoever prints them cuts them. No task token is in them.
    """

    name: str
    type: str
    entered: datetime
    input: Any = None
    left: datetime | None = None
    output: Any = None
    status: str = RUNNING
    variables: dict[str, Any] = msgspec.field(default_factory=dict)
    tries: list[Try] = msgspec.field(default_factory=list)
    error: str | None = None
    cause: str | None = None
    branches: "list[Branch]" = msgspec.field(default_factory=list)
    children: "list[Child]" = msgspec.field(default_factory=list)
    map_runs: "list[MapRun]" = msgspec.field(default_factory=list)

    @property
    def retries(self) -> int:
        """How often its work was tried again."""
        return max(len(self.tries) - 1, 0)

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        return None if self.left is None else (self.left - self.entered).total_seconds()


class Branch(msgspec.Struct):
    """A branch of a Parallel, in the Parallel's first or a later try."""

    attempt: int = 1
    states: list[State] = msgspec.field(default_factory=list)


class Child(msgspec.Struct):
    """What a Map did with one item: states of its own; in a Distributed Map an execution.

    `note` says what cannot be known about it.
    """

    index: int | None = None
    execution: str | None = None
    attempt: int = 1
    status: str = RUNNING
    started: datetime | None = None
    ended: datetime | None = None
    input: Any = None
    output: Any = None
    error: str | None = None
    cause: str | None = None
    states: list[State] = msgspec.field(default_factory=list)
    note: str | None = None


class MapRun(msgspec.Struct):
    """One run of a Distributed Map; `counts` has its children by how they ended."""

    arn: str
    status: str
    counts: dict[str, int]
    started: datetime
    ended: datetime | None = None


class Execution(msgspec.Struct):
    """An execution of a state machine, with its states in the order in which they were entered.

    `note` says what cannot be known about it.
    """

    arn: str
    name: str
    machine: str
    status: str
    started: datetime
    ended: datetime | None = None
    input: Any = None
    output: Any = None
    error: str | None = None
    cause: str | None = None
    states: list[State] = msgspec.field(default_factory=list)
    note: str | None = None
