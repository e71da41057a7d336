"""What can happen: the situations below events/, each with the outcome that is expected.

A situation is a file (what happens) and a TOML file of the same stem (what must come of it):
`uploads/` holds files that a partner uploads, `faults/` the same while something underneath fails,
`bus/` events for the deployed rules, `functions/<FunctionName>/` what calls a function without an
upload. `events/README.md` explains every field.
"""

import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT

EVENTS = ROOT / "events"
FAULTS = EVENTS / "faults"
PADDING = b"<padding>"

Again = Literal["at once", "afterwards"]
Answer = Literal["approved", "declined", "nobody"]


class UploadOutcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What comes of an uploaded file: expected by events/, or seen on a stage.

    `rules` are the deployed rules that take the upload, `events` what the system announces, in
    order; sums are decimal texts; `error` is the workflow's. What is left out must not be there.
    """

    rules: tuple[str, ...] = ()
    route: Literal["direct", "workflow"] | None = None
    outcome: str | None = None
    reason: str | None = None
    error: str | None = None
    lines_in: int | None = None
    accepted: int | None = None
    refused: dict[str, int] = {}
    orders: int | None = None
    total: str | None = None
    currency: str | None = None
    house_total: str | None = None
    left_out: int = 0
    changed_orders: int = 0
    curated_lines: int = 0
    quarantine: bool = False
    loaded: bool = False
    events: tuple[str, ...] = ()


class RulesExpected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The deployed rules that must take an event; where it was published, what comes of it.

    `logged` is what the called function must say of it; `dead_letter` the error under which it
    must end in the functions' dead-letter queue.
    """

    rules: tuple[str, ...]
    logged: str | None = None
    dead_letter: str | None = None


class SettlementExpected(msgspec.Struct, frozen=True):
    """What the settlement must find among the uploads of the replay itself."""

    findings: int


class Earlier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An upload before the one that a situation is about, of the same partner.

    `file` lies beside it (without one: the same content), `name` is the object's (without one: the
    same). It ends as `outcome`; the later upload comes after that, or, not `awaited`, at once.
    """

    outcome: str
    file: str | None = None
    name: str | None = None
    awaited: bool = True


class Faults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What fails while a situation happens; see local_cloud/emulator/faults.py for the fields.

    The database is `down` (until an error of the name `until` has been logged, or to the end),
    its password `rotated`, or its table `locked` for `seconds`. `functions` gives some another
    `timeout` or `environment`.
    `wait_scale` is the share of their time that the workflow's waits and delays take: retries that
    outlast hours are used up within a replay.
    """

    rates: dict[str, Any] = {}
    webhook: dict[str, Any] = {}
    requests: tuple[dict[str, Any], ...] = ()
    database: Literal["down", "rotated", "locked"] | None = None
    until: str | None = None
    seconds: float = 0
    functions: dict[str, dict[str, Any]] = {}
    wait_scale: float | None = None


class UploadFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an upload's TOML may say; events/README.md explains each field."""

    partner: str
    expect: UploadOutcome
    name: str | None = None
    last_line_times: int = 1
    padding: int = 0
    earlier: Earlier | None = None
    delivered_again: tuple[Again, ...] = ()
    decision: Answer | None = None
    further_decisions: tuple[Literal["approved", "declined"], ...] = ()
    faults: Faults | None = None
    errors: tuple[str, ...] = ()
    dead_letters: tuple[str, ...] = ()


class _BusFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bus: Literal["default", "orders"]
    expect: RulesExpected
    publish: bool = False


class _ScheduleFile(msgspec.Struct, frozen=True):
    """What of a function's fixture matters here; sam_local/fixtures.py reads all of it."""

    schedule: str


class Situation(msgspec.Struct, frozen=True):
    """What every situation has: the file that says what happens."""

    path: Path

    @property
    def name(self) -> str:
        """What the situation is called: its file's stem."""
        return self.path.stem


class Upload(Situation, frozen=True):
    """A partner uploads a file, and what else happens to it meanwhile."""

    told: UploadFile

    @property
    def partner(self) -> str:
        """Under whose prefix it is put; "" where it lies right under incoming/."""
        return self.told.partner

    @property
    def expect(self) -> UploadOutcome:
        """What must come of it."""
        return self.told.expect

    @property
    def key(self) -> str:
        """Where the partner puts the file."""
        return self.key_of(self.told.name or self.path.name)

    @property
    def earlier_key(self) -> str:
        """Where the partner put the earlier file, if there is one."""
        return self.key_of((self.told.earlier and self.told.earlier.name) or self.told.name or "")

    def key_of(self, name: str) -> str:
        """Where the partner would put a file of that name; of the situation's own without one."""
        folder = f"incoming/{self.partner}/" if self.partner else "incoming/"
        return f"{folder}{name or self.path.name}"

    @property
    def content(self) -> bytes:
        """What is uploaded: the file, grown as its TOML says."""
        return grown(self.path.read_bytes(), self.told.last_line_times, self.told.padding)

    @property
    def earlier_path(self) -> Path:
        """The earlier upload's file: one beside this one, or this one itself."""
        earlier = self.told.earlier
        return self.path.with_name(earlier.file) if earlier and earlier.file else self.path

    @property
    def earlier_content(self) -> bytes:
        """What was uploaded before; grown alike."""
        return grown(self.earlier_path.read_bytes(), self.told.last_line_times, self.told.padding)

    @property
    def is_local_only(self) -> bool:
        """Whether it takes what only the local cloud can do: pass time, or break."""
        return self.told.decision == "nobody" or self.told.faults is not None


def grown(content: bytes, last_line_times: int, padding: int) -> bytes:
    """`content` with its last line repeated, and `<padding>` replaced by so many letters."""
    content = content.replace(PADDING, b"x" * padding)
    last = content[content.rstrip(b"\n").rfind(b"\n") + 1 :]
    return content + last * (last_line_times - 1)


class BusEvent(Situation, frozen=True):
    """An event on a bus: the deployed rules are asked about it, and sometimes it is published."""

    bus: str
    expect: RulesExpected
    publish: bool = False


class ScheduledCall(Situation, frozen=True):
    """A schedule's time has come: its target is called with what the schedule sends."""

    schedule: str
    expect: SettlementExpected


def read_situation(path: Path) -> Situation:
    """The situation that `path` (the event, or its TOML) and its TOML describe.

    Raises UserError when one of the two is missing or the TOML does not read.
    """
    happening = _happening(path)
    toml = happening.with_suffix(".toml")
    folder = happening.relative_to(EVENTS).parts[0]
    try:
        told = tomllib.loads(toml.read_text(encoding="utf-8"))
        match folder:
            case "uploads" | "faults":
                return Upload(happening, msgspec.convert(told, UploadFile))
            case "bus":
                event = msgspec.convert(told, _BusFile)
                return BusEvent(happening, event.bus, event.expect, event.publish)
            case _:
                call = msgspec.convert(told, _ScheduleFile)
                return ScheduledCall(happening, call.schedule, SettlementExpected(findings=0))
    except (ValueError, msgspec.ValidationError) as error:
        raise UserError(f"{shown(toml)}: {error}") from None


def find_situations(paths: list[Path]) -> list[Situation]:
    """All situations of the files and folders named, in a set order.

    When none is named: all of events/ but faults/, which take their time and the local cloud alone.

    Raises UserError for a path that is not there, lies outside events/, or holds no situation.
    """
    found: set[Path] = set()
    for path in paths:
        found |= _below(path.resolve())
    if not paths:
        found = {path for path in _below(EVENTS) if not path.is_relative_to(FAULTS)}
    return [read_situation(path) for path in sorted(found)]


def _below(path: Path) -> set[Path]:
    if not path.exists():
        raise UserError(f"no such file or folder: {path}")
    if not path.is_relative_to(EVENTS):
        raise UserError(
            f"{path} is not below events/; to send a file of your own: "
            f"make send FILE={path} PARTNER=…"
        )
    if path.is_file():
        return {_happening(path)}
    below = {_happening(toml) for toml in path.rglob("*.toml") if _is_situation(toml)}
    if not below:
        raise UserError(f"no situation below {path}: a situation is a file and its .toml")
    return below


def _is_situation(toml: Path) -> bool:
    """Whether `make replay` lets it happen; most calls of functions are for `make sam-local`."""
    lines = toml.read_text(encoding="utf-8", errors="replace").splitlines()
    return not toml.is_relative_to(EVENTS / "functions") or any(
        line.startswith("schedule") for line in lines
    )


def _happening(path: Path) -> Path:
    """The file that says what happens, for itself or for its TOML."""
    if path.suffix != ".toml":
        if not path.with_suffix(".toml").is_file():
            raise UserError(f"{shown(path)} has no {path.stem}.toml with its expected outcome")
        return path
    beside = sorted(p for p in path.parent.glob(f"{path.stem}.*") if p.suffix != ".toml")
    if len(beside) != 1:
        raise UserError(f"{shown(path)} must have exactly one file {path.stem}.* beside it")
    return beside[0]


def shown(path: Path) -> str:
    """A path as a person would write it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
