"""What must be true of uploads, written from the rules alone: nothing of src/ is used here.

The rules (docs/decisions.md, "Application"):
- A content counts as taken while a file with it is Accepted, is in work under a claim that has not
  expired, or has Failed and may be loaded. In every other case the same bytes are a new try.
- The database takes a content once, whoever asks.
- Orders that an accepted file of the partner brought are not loaded again; a person is asked.
- A correction adds the refused lines of its file, once.
- A decision answers one question.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from tests.model.orders import LARGE, Content, Key, Line

THRESHOLDS = {"nordwind": Decimal(25000), "atlas-supply": Decimal(50000)}
"""In the base currency; the model's amounts are far away from them in any currency."""

OUTCOMES = ("Accepted", "Rejected", "Declined", "Duplicate", "Failed")
AWAITING, STUCK = "AwaitingApproval", "Stuck"


@dataclass
class Upload:
    """One upload and what the model expects of it."""

    file_id: str
    key: str
    version_id: str
    content: Content
    status: str
    loaded: bool = False
    """Whether its lines are in the database, whatever its status says."""
    claim_expired: bool = False
    """Of a stuck one: nobody has the right to work on it any more."""
    question: str | None = None
    """What a person is asked: `threshold` or `orders`."""
    duplicate_of: str | None = None
    corrects: "Upload | None" = None
    decisions: list[dict[str, str]] = field(default_factory=list)
    """The decisions that were sent about it, as their events say them."""
    approved: bool = False
    """Whether a person has approved its amount: no later run asks about it again."""

    @property
    def is_final(self) -> bool:
        """Return whether it has its outcome."""
        return self.status in OUTCOMES

    @property
    def is_direct(self) -> bool:
        """Return whether one call of a function takes it from its upload to its outcome."""
        return len(self.content.data) < LARGE

    @property
    def is_open(self) -> bool:
        """Return whether a worker, or a person, still has it."""
        return self.status == AWAITING or (self.status == STUCK and not self.claim_expired)


@dataclass(frozen=True)
class Expected:
    """What becomes of an upload, before a person is asked or after."""

    status: str
    question: str | None = None
    duplicate_of: str | None = None
    brings: tuple[Line, ...] = ()


class Model:
    """Uploads of one world, and the lines that the database must have of them."""

    def __init__(self) -> None:
        self.uploads: dict[str, Upload] = {}
        self.lines: dict[Key, Line] = {}
        """What the database has."""
        self.brought_by: dict[str, str] = {}
        """The file that brought an order first, by the order's number."""

    def add(self, upload: Upload, expected: Expected) -> None:
        """Take an upload in, and what it brings."""
        self.uploads[upload.file_id] = upload
        self.settle(upload, expected)

    def settle(self, upload: Upload, expected: Expected) -> None:
        """Write down what has become of an upload."""
        upload.status, upload.question = expected.status, expected.question
        upload.duplicate_of = expected.duplicate_of
        if expected.status == "Accepted":
            self.load(upload, expected.brings)

    def load(self, upload: Upload, lines: tuple[Line, ...]) -> None:
        """Write down that the database has these lines, and the upload its load."""
        upload.loaded = True
        self.lines |= {line.key: line for line in lines}
        for line in lines:
            self.brought_by.setdefault(line.invoice, upload.file_id)

    def expect_upload(self, content: Content, *, profile_is_broken: bool = False) -> Expected:
        """Return what becomes of a new upload of this content."""
        if profile_is_broken:
            return Expected("Rejected")
        return self._expect_run(content, None)

    def expect_correction(self, corrected: Upload, content: Content) -> Expected:
        """Return what becomes of a correction of all lines that an accepted file refused."""
        for other in self.uploads.values():
            if other.corrects is corrected and other.status == "Accepted":
                return Expected("Duplicate", duplicate_of=other.file_id)
        if self._there(content, corrected):
            return Expected(AWAITING, question="orders")
        return Expected("Accepted", brings=tuple(content.good.values()))

    def expect_retry(self, upload: Upload) -> Expected:
        """Return what becomes of a failed or a stuck upload that is run again."""
        if upload.loaded:  # asked and loaded before: what is missing is only the end
            return Expected("Accepted")
        return self._expect_run(upload.content, upload)

    def expect_decision(self, upload: Upload, decision: str) -> Expected:
        """Return what becomes of an upload whose question is answered."""
        if decision == "declined":
            return Expected("Declined")
        content = upload.content
        if upload.question == "orders":
            new = content.invoices - self._there(content, upload.corrects)
            lines = tuple(line for line in content.good.values() if line.invoice in new)
            return Expected("Accepted", brings=lines)
        upload.approved = True
        return self._expect_load(content, upload)

    def _expect_run(self, content: Content, upload: Upload | None) -> Expected:
        owner = self.taken_by(content, upload)
        if owner:
            return Expected("Duplicate", duplicate_of=owner.file_id)
        worth = sum((line.amount for line in content.good.values()), Decimal(0))
        allowed = upload is not None and upload.approved
        if worth > THRESHOLDS[content.partner.name] and not allowed:
            return Expected(AWAITING, question="threshold")
        return self._expect_load(content, upload)

    def _expect_load(self, content: Content, upload: Upload | None) -> Expected:
        for other in self._with(content, upload):
            if other.loaded:
                return Expected("Duplicate", duplicate_of=other.file_id)
        if self._there(content):
            return Expected(AWAITING, question="orders")
        return Expected("Accepted", brings=tuple(content.good.values()))

    def taken_by(self, content: Content, me: Upload | None = None) -> Upload | None:
        """Return the upload for which the content counts as taken, if any."""
        for other in self._with(content, me):
            failed_but_loaded = other.status == "Failed" and other.loaded
            if other.status == "Accepted" or other.is_open or failed_but_loaded:
                return other
        return None

    def _with(self, content: Content, me: Upload | None) -> list[Upload]:
        return [
            one
            for one in self.uploads.values()
            if one is not me and one.corrects is None and one.content.sha256 == content.sha256
        ]

    def _there(self, content: Content, corrected: Upload | None = None) -> set[str]:
        """Return the orders of a content that other files brought than the one it corrects."""
        mine = corrected.file_id if corrected else None
        return {one for one in content.invoices if self.brought_by.get(one, mine) != mine}
