"""The scenarios of events/uploads and events/faults: a partner uploads a file.

`faults/` holds the same while something underneath fails. `events/README.md` explains every field.
"""

from pathlib import Path
from typing import Any, Literal

import msgspec

from operations.deployed import uploads_bucket
from workbench.replay.scenarios import Asked, Scenario
from workbench.stages.deployed import DEFAULT_BUS, Deployed

PADDING = b"<padding>"
EARLIER = "${earlier}"  # in a name: the id of the earlier file, which this one corrects

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


class Earlier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An upload before the one that a scenario is about, of the same partner.

    `file` lies beside it (without one: the same content), `name` is the object's (without one: the
    same). It ends as `outcome`; the later upload comes after that, or, not `awaited`, at once.
    """

    outcome: str
    file: str | None = None
    name: str | None = None
    awaited: bool = True


class Faults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What fails while a scenario happens; see local_cloud/emulator/faults.py for the fields.

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


class Upload(Scenario, frozen=True):
    """A partner uploads a file, and what else happens to it meanwhile."""

    file: UploadFile

    @property
    def partner(self) -> str:
        """Under whose prefix it is put; "" where it lies right under incoming/."""
        return self.file.partner

    @property
    def expect(self) -> UploadOutcome:
        """What must come of it."""
        return self.file.expect

    @property
    def key(self) -> str:
        """Where the partner puts the file."""
        return self.key_of(self.file.name or self.path.name)

    @property
    def earlier_key(self) -> str:
        """Where the partner put the earlier file, if there is one."""
        return self.key_of((self.file.earlier and self.file.earlier.name) or self.file.name or "")

    def key_of(self, name: str) -> str:
        """Where the partner would put a file of that name; of the scenario's own without one."""
        folder = f"incoming/{self.partner}/" if self.partner else "incoming/"
        return f"{folder}{name or self.path.name}"

    @property
    def content(self) -> bytes:
        """What is uploaded: the file, grown as its TOML says."""
        return grown(self.path.read_bytes(), self.file.last_line_times, self.file.padding)

    @property
    def earlier_path(self) -> Path:
        """The earlier upload's file: one beside this one, or this one itself."""
        earlier = self.file.earlier
        return self.path.with_name(earlier.file) if earlier and earlier.file else self.path

    @property
    def earlier_content(self) -> bytes:
        """What was uploaded before; grown alike."""
        return grown(self.earlier_path.read_bytes(), self.file.last_line_times, self.file.padding)

    @property
    def title(self) -> str:
        """What is uploaded, and its size."""
        name = self.key.removeprefix("incoming/").replace(EARLIER, "…")
        return f"{name} ({len(self.content):,} bytes)"

    @property
    def disturbs(self) -> bool:
        """Whether something fails meanwhile, for others too."""
        return self.file.faults is not None

    @property
    def is_local_only(self) -> bool:
        """Whether it takes what only the local cloud can do: pass time, or break."""
        return self.file.decision == "nobody" or self.file.faults is not None


def grown(content: bytes, last_line_times: int, padding: int) -> bytes:
    """`content` with its last line repeated, and `<padding>` replaced by so many letters."""
    content = content.replace(PADDING, b"x" * padding)
    last = content[content.rstrip(b"\n").rfind(b"\n") + 1 :]
    return content + last * (last_line_times - 1)


def read(path: Path, said: dict[str, Any]) -> Upload:
    """Return the upload of a file and its TOML."""
    return Upload(path, msgspec.convert(said, UploadFile))


def asked(deployed: Deployed, upload: Upload) -> Asked:
    """Return the event that S3 would send for an upload, and the rules that must take it."""
    bucket = uploads_bucket(deployed.stage, deployed.account)
    event = deployed.object_created(bucket, upload.key, len(upload.content))
    on_default = {rule.name for rule in deployed.rules if rule.bus == DEFAULT_BUS}
    return event, tuple(rule for rule in upload.expect.rules if rule in on_default)
