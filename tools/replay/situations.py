"""What can happen: the situations below events/, each with the outcome that is foretold.

A situation is a file (what happens) and a TOML file of the same stem (what must come of it):
`uploads/` holds files that a partner uploads, `bus/` events that the deployed rules are asked
about, `functions/<FunctionName>/` what calls a function without an upload.
"""

import hashlib
import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from tools.errors import UserError
from tools.stage import ROOT

EVENTS = ROOT / "events"
FOLDERS = ("uploads", "bus", "functions")


class UploadOutcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What comes of an uploaded file: foretold by events/, or seen on a stage.

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
    curated_lines: int = 0
    quarantine: bool = False
    loaded: bool = False
    events: tuple[str, ...] = ()


class RulesExpected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The deployed rules that must take an event."""

    rules: tuple[str, ...]


class SettlementExpected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the settlement must find among the uploads of the replay itself."""

    findings: int


class _UploadFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    partner: str
    expect: UploadOutcome
    decision: Literal["approved", "declined"] | None = None
    upload_twice: bool = False


class _BusFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bus: Literal["default", "orders"]
    expect: RulesExpected


class _ScheduleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schedule: str
    expect: SettlementExpected


class Situation(msgspec.Struct, frozen=True):
    """What every situation has: the file that says what happens."""

    path: Path

    @property
    def name(self) -> str:
        """What the situation is called: its file's stem."""
        return self.path.stem


class Upload(Situation, frozen=True):
    """A partner uploads a file; a person may decide about it; it may come a second time."""

    partner: str
    expect: UploadOutcome
    decision: str | None
    upload_twice: bool

    @property
    def key(self) -> str:
        """Where the partner puts the file."""
        return f"incoming/{self.partner}/{self.path.name}"

    @property
    def sha256(self) -> str:
        """The identity of the file's content, in hexadecimal."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


class BusEvent(Situation, frozen=True):
    """An event on a bus; only the deployed rules are asked about it, nothing is sent."""

    bus: str
    expect: RulesExpected


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
            case "uploads":
                upload = msgspec.convert(told, _UploadFile)
                return Upload(
                    happening, upload.partner, upload.expect, upload.decision, upload.upload_twice
                )
            case "bus":
                event = msgspec.convert(told, _BusFile)
                return BusEvent(happening, event.bus, event.expect)
            case _:
                call = msgspec.convert(told, _ScheduleFile)
                return ScheduledCall(happening, call.schedule, call.expect)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UserError(f"{_shown(toml)}: {error}") from None


def find_situations(paths: list[Path]) -> list[Situation]:
    """All situations of the files and folders named, all of events/ when none is; in a set order.

    Raises UserError for a path that is not there, lies outside events/, or holds no situation.
    """
    found: set[Path] = set()
    for path in paths or [EVENTS]:
        found |= _below(path.resolve())
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
    below = {_happening(toml) for toml in path.rglob("*.toml")}
    if not below:
        raise UserError(f"no situation below {path}: a situation is a file and its .toml")
    return below


def _happening(path: Path) -> Path:
    """The file that says what happens, for itself or for its TOML."""
    if path.suffix != ".toml":
        if not path.with_suffix(".toml").is_file():
            raise UserError(f"{_shown(path)} has no {path.stem}.toml that foretells its outcome")
        return path
    beside = sorted(p for p in path.parent.glob(f"{path.stem}.*") if p.suffix != ".toml")
    if len(beside) != 1:
        raise UserError(f"{_shown(path)} must have exactly one file {path.stem}.* beside it")
    return beside[0]


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
