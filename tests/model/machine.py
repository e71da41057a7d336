"""Random sequences of what happens to order files, each step compared with the model."""

import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from operations.files.order_file import Row, Uploaded
from tests.model.model import AWAITING, STUCK, Expected, Model, Upload
from tests.model.orders import ATLAS, NORDWIND, Content, Line, Partner
from tests.model.stage import ModelStage, fault
from workbench.stages.waiting import wait_until

type Step = Callable[[OrderFiles, int], None]
ORDERS_IN_LARGE = 140
DONE: Counter[str] = Counter()
"""How often each kind of step was taken, in all worlds together."""
SECONDS: dict[str, float] = defaultdict(float)
"""How long they took."""

CHOSEN: Counter[tuple[object, ...]] = Counter()
"""How often an upload was chosen in each scenario, so that none is left out."""

DRAWN: set[int] = set()
"""The numbers that steps were given."""

_NUMBERS = st.integers(0, 10_000)
_STEPS: dict[str, Step] = {}
_POSSIBLE: dict[str, Callable[["OrderFiles"], object]] = {}


def step(
    possible: Callable[["OrderFiles"], object] = lambda machine: True,
) -> Callable[[Step], Step]:
    """Make a method a kind of step, which is taken about as often as the others are.

    Its argument chooses among what there is: a number of any size.
    """

    def decorate(method: Step) -> Step:
        _STEPS[method.__name__] = method
        _POSSIBLE[method.__name__] = possible
        return method

    return decorate


class Enough(BaseException):
    """All steps that were asked for have been taken."""


class OrderFiles(RuleBasedStateMachine):
    """One world: partners' files with order numbers of their own."""

    stage: ClassVar[ModelStage]
    report: ClassVar[list[str]]
    """What is wrong, and the steps that led to it; empty as long as all is well."""
    steps_wanted: ClassVar[int]
    began: ClassVar[float | None] = None
    """When the first world began."""

    def __init__(self) -> None:
        super().__init__()
        self.is_first = self.began is None
        if self.is_first:
            type(self).began = time.monotonic()
        if DONE.total() >= self.steps_wanted:
            raise Enough
        assert not self.report, self.report  # Hypothesis wants to see it again: that costs minutes
        self.prefix = f"M{uuid.uuid4().hex[:8]}"
        self.started = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)
        self.model = Model()
        self.taken: Counter[str] = Counter()
        self.touched: set[str] = set()
        self.steps: list[str] = []
        self._numbers = 0
        self.stage.begin_world()

    @rule(which=_NUMBERS, pick=_NUMBERS)
    def take_a_step(self, which: int, pick: int) -> None:
        """Take a step of a kind that is due.

        All kinds are one rule of Hypothesis, which would leave some of many rules out of a world.
        """
        if self.is_first:
            reject()  # Hypothesis makes it of zeros alone, whatever the seed
        possible = [kind for kind, is_possible in _POSSIBLE.items() if is_possible(self)]
        fewest = min(self.taken[kind] for kind in possible)
        self._take(self._choose([k for k in possible if self.taken[k] == fewest], which), pick)

    def _take(self, kind: str, pick: int) -> None:
        """Take one step, and compare; what is wrong is reported with the steps before it."""
        self.taken[kind] += 1
        DONE[kind] += 1
        DRAWN.add(pick)
        self.steps.append(f"{kind}({pick})")
        began = time.monotonic()
        try:
            _STEPS[kind](self, pick)
            self.compare()
        except Exception as error:
            self._tell(f"{type(error).__name__}: {error}")
            raise
        finally:
            SECONDS[kind] += time.monotonic() - began

    def _tell(self, wrong: str) -> None:
        """Report what is wrong: where in the run, the steps of this world, and what it is."""
        seconds = time.monotonic() - (self.began or 0)
        where = f"step {DONE.total()}, after {seconds:.0f} s; the steps of this world:"
        self.report.extend([where, *self.steps, wrong])

    # ------------------------------------------------------------- new contents

    @step()
    def send_new_file(self, pick: int) -> None:
        """Upload orders that nobody has sent before, some with a line that is refused."""
        partner = ATLAS if pick % 4 == 3 else NORDWIND
        bad = 0 if partner is ATLAS else (1, 2, 0)[pick % 3]
        self._send(self._content(partner, bad=bad, large=pick % 5 == 4))

    @step()
    def send_file_for_approval(self, pick: int) -> None:
        """Upload orders that are worth more than their partner's threshold."""
        self._send(self._content(NORDWIND, worth=1000, large=pick % 4 == 0))

    @step()
    def send_under_a_wrong_profile(self, pick: int) -> None:
        """Upload a correct file while the partner's profile is wrong, and fix the profile."""
        with self.stage.broken_profile():
            self._send(self._content(NORDWIND), profile_is_broken=True)

    @step()
    def kill_a_worker(self, pick: int) -> None:
        """Upload a file, and kill the function that works on it in the middle of its work."""
        request = ("PUT /*/work/*", "PUT /*/curated/*")[pick % 2]
        killing = fault("s3", request, "kill", function="", times=1)
        with self.stage.failing(killing):
            self._send(self._content(ATLAS if pick % 3 else NORDWIND, large=pick % 5 == 0))

    @step()
    def fail_before_the_load(self, pick: int) -> None:
        """Upload a file that cannot be read, for a reason that lasts."""
        content = self._content(NORDWIND if pick % 2 else ATLAS, large=pick % 3 == 0)
        with self.stage.failing(fault("s3", "PUT /*/work/*/priced/*", "deny")):
            self._send(content, expected=Expected("Failed"))

    @step()
    def fail_after_the_load(self, pick: int) -> None:
        """Upload a file whose lines are loaded and whose result cannot be written."""
        content = self._content(ATLAS if pick % 3 else NORDWIND, large=pick % 2 == 0)
        with self.stage.failing(fault("s3", "PUT /*/curated/*", "deny")):
            upload = self._send(content, expected=Expected("Failed"))
        self.model.load(upload, tuple(content.good.values()))

    @step()
    def lose_the_answer_of_a_load(self, pick: int) -> None:
        """Upload a file, and kill its function between the load's commit and its answer."""
        killing = fault("s3", "PUT /*/curated/*", "kill", function="IntakeSmallFile", times=1)
        with self.stage.failing(killing):
            self._send(self._content(ATLAS if pick % 2 else NORDWIND))

    @step()
    def kill_all_tries(self, pick: int) -> None:
        """Upload a file, and kill its function at each try: a dead letter, before or after a load.

        Nobody can run it again before the last try's claim has expired.
        """
        loaded = DONE["kill_all_tries"] % 2 == 0
        request = "PUT /*/curated/*" if loaded else "PUT /*/work/*"
        content = self._content(ATLAS if pick % 3 else NORDWIND)
        with self.stage.failing(fault("s3", request, "kill", function="IntakeSmallFile")):
            uploaded = self._put(content, self._key(content.partner))
            self.stage.wait_for_dead_letter(uploaded.version_id)
        upload = self._upload(uploaded, content)
        self.model.add(upload, Expected(STUCK))
        if loaded:
            self.model.load(upload, tuple(content.good.values()))
        if pick % 2:
            self._expire(upload)
        else:
            self.stage.let_claim_last(upload.file_id)

    @step()
    def stop_an_execution(self, pick: int) -> None:
        """Stop a workflow before or after its load, so that it ends without an outcome."""
        loaded = DONE["stop_an_execution"] % 2 == 0
        content = self._content(NORDWIND, large=True)
        with self.stage.without("CurateFile" if loaded else "LoadOrders"):
            uploaded = self._put(content, self._key(content.partner))
            self.stage.stop_execution(uploaded.file_id)
        upload = self._upload(uploaded, content)
        self.model.add(upload, Expected(STUCK))
        if loaded:
            self.model.load(upload, tuple(content.good.values()))
        if pick % 3:
            self._expire(upload)

    # ------------------------------------------------------------- contents that came before

    @step(lambda m: m.sent())
    def send_same_content_again(self, pick: int) -> None:
        """Upload the same bytes of two uploads again, under the same keys: newer versions."""
        for _ in range(2):
            first = self._pick_to_resend(pick)
            self._send(first.content, key=first.key)

    @step(lambda m: m.sent())
    def send_same_content_under_another_name(self, pick: int) -> None:
        """Upload the same bytes of two uploads again, under other keys of the same partner."""
        for _ in range(2):
            self._send(self._pick_to_resend(pick).content)

    @step(lambda m: m.sent())
    def send_newer_version(self, pick: int) -> None:
        """Upload other orders under a key that was used before."""
        first = self._choose(self.sent(), pick)
        self._send(self._content(first.content.partner), key=first.key)

    @step(lambda m: m.with_refused_lines())
    def send_correction(self, pick: int) -> None:
        """Upload the lines that an accepted file refused, put right."""
        first = self._choose(self.with_refused_lines(), pick)
        content = first.content.corrected_lines()
        expected = self.model.expect_correction(first, content)
        folder = f"incoming/{first.content.partner.name}/corrections/{first.file_id}"
        uploaded = self.stage.upload(f"{folder}/{self._number()}.csv", first.content.correction())
        upload = self._upload(uploaded, content)
        upload.corrects = first
        self._see(upload, expected)

    @step(lambda m: m.with_refused_lines())
    def send_whole_file_corrected(self, pick: int) -> None:
        """Upload a whole accepted file again with its refused lines put right."""
        self._send(self._choose(self.with_refused_lines(), pick).content.corrected())

    @step(lambda m: m.sent("Accepted"))
    def send_file_with_some_known_orders(self, pick: int) -> None:
        """Upload a file in which some orders are new and some were accepted before."""
        first = self._choose(self.sent("Accepted"), pick).content
        new = self._content(first.partner).lines
        self._send(Content(first.partner, first.day, (*list(first.good.values())[:2], *new)))

    @step(lambda m: m.sent())
    def deliver_again(self, pick: int) -> None:
        """Deliver an upload's notification a second time: nothing must change."""
        upload = self._choose(self.sent(*_AT_REST) or self.sent(), pick)
        if upload.status == STUCK or upload.status == "Failed":
            return  # a second delivery of these is a retry
        uploaded = Uploaded(self.stage.deployed.bucket, upload.key, upload.version_id)
        self.stage.deliver_again(uploaded, len(upload.content.data))
        self.touched.add(upload.file_id)

    # ------------------------------------------------------------- decisions

    @step()
    def approve(self, pick: int) -> None:
        """Approve a file that waits."""
        self._decide(self._waiting(pick), "approved")

    @step()
    def decline(self, pick: int) -> None:
        """Decline a file that waits."""
        self._decide(self._waiting(pick), "declined")

    @step()
    def decide_twice(self, pick: int) -> None:
        """Give two decisions that contradict each other: the first one counts."""
        upload = self._waiting(pick)
        first, second = ("approved", "declined")[:: 1 if pick % 2 else -1]
        self._decide(upload, first, then=second)

    @step()
    def decide_too_late(self, pick: int) -> None:
        """Approve a file when the time for an answer is over."""
        upload = self._waiting(pick)
        row = self.stage.settled(upload.file_id)
        decision = self.stage.question_of(row) | {"decision": "approved", "decided_by": "late"}
        self.stage.let_answer_time_pass(row)
        self._see(upload, Expected("Declined"))
        self.stage.decide(decision)
        upload.decisions.append(decision)

    @step()
    def send_old_decision_again(self, pick: int) -> None:
        """Send a decision that was sent before: it answers no other question."""
        decided = [one for one in self.model.uploads.values() if one.decisions]
        asked_again = [one for one in decided if one.status == AWAITING]
        if decided and pick % 5 == 0:
            upload = self._choose(decided, pick)
        elif asked_again:
            upload = self._choose(asked_again, pick)
        else:
            upload = self._fail_once_approved(another_brings_an_order=True)
        self.stage.decide(self._choose(upload.decisions, pick))
        self.touched.add(upload.file_id)

    @step()
    def fail_once_approved(self, pick: int) -> None:
        """Approve a file that then fails, and run it again: it does not ask the same again.

        Meanwhile another file may bring one of its orders: then there is a new question.
        """
        self._fail_once_approved(another_brings_an_order=pick % 3 > 0)

    def _fail_once_approved(self, *, another_brings_an_order: bool) -> Upload:
        content = self._content(NORDWIND, worth=1000)
        upload = self._send(content)
        with self.stage.failing(fault("s3", "GET /*/work/*/priced/*", "deny")):
            self._decide(upload, "approved", expected=Expected("Failed"))
        upload.approved = True
        if another_brings_an_order:
            self._send(Content(NORDWIND, content.day, content.lines[:1]))
        self._retry(upload)
        return upload

    # ------------------------------------------------------------- operators and time

    @step(lambda m: m.sent("Failed", STUCK))
    def retry(self, pick: int) -> None:
        """Run a failed or a stuck file again."""

        def scenario(one: Upload) -> tuple[object, ...]:
            expected = self.model.expect_retry(one)
            return "retry", one.content.partner.name, one.status, one.loaded, expected.status

        self._retry(self._choose_rarest(self.sent("Failed", STUCK), scenario, pick))

    @step()
    def redrive(self, pick: int) -> None:
        """Send failed messages again, once the claims of their calls are over: their files run."""
        for upload in self.sent(STUCK):
            if upload.is_direct:
                self._expire(upload)
        versions = self.stage.redrive()
        for upload in [one for one in self.sent("Failed", STUCK) if one.version_id in versions]:
            self._see(upload, self.model.expect_retry(upload))

    @step()
    def replay_archive(self, pick: int) -> None:
        """Deliver all events of this world again: nothing must change."""
        self.stage.replay_archive(self.started)
        self.touched |= set(self.model.uploads)

    @step()
    def let_hours_pass(self, pick: int) -> None:
        """Let claims expire and the sweep run: what is stuck is reported."""
        for upload in self.sent(STUCK):
            self._expire(upload)
        self.stage.let_hours_pass()
        for upload in self.sent(STUCK):
            wait_until(
                lambda stuck=upload: self.stage.findings(stuck.file_id),  # type: ignore[misc]
                f"a finding says that file {upload.file_id} is stuck",
            )

    @step()
    def let_a_day_pass(self, pick: int) -> None:
        """Let the rates API have the next day's rates."""
        self.stage.let_a_day_pass()

    @step()
    def reconcile(self, pick: int) -> None:
        """Reconcile everything: only what is stuck is reported."""
        reported = self.stage.reconcile(self.started, set(self.model.uploads))
        stuck = {one.file_id for one in self.sent(STUCK)}
        wrong = [line for line in reported if not any(file_id in line for file_id in stuck)]
        assert not wrong, wrong

    # ------------------------------------------------------------- what must hold

    def compare(self) -> None:
        """Compare every line of this world, and the files that the last step touched."""
        self._compare_money()
        touched, self.touched = self.touched, set()
        for file_id in touched:
            self._compare(self.model.uploads[file_id])

    def teardown(self) -> None:
        """Bring everything to its end, so that nothing is left on the stage, and compare."""
        if self.report:
            return
        try:
            self._end()
        except Exception as error:
            self._tell(f"{type(error).__name__} at the end: {error}")
            raise

    def _end(self) -> None:
        for upload in self.sent("Failed", STUCK):
            self._retry(upload)
        for upload in [one for one in self.model.uploads.values() if one.status == AWAITING]:
            self._decide(upload, "declined")
        self.touched |= set(self.model.uploads)
        self.compare()

    def _compare_money(self) -> None:
        expected = {key: [line.amount] for key, line in self.model.lines.items()}
        found = self.stage.money(self.prefix)
        surplus = {key: amounts for key, amounts in found.items() if expected.get(key) != amounts}
        missing = {key: value for key, value in expected.items() if key not in found}
        assert not surplus, f"in the database, and wrong: {_shown(surplus)}"
        assert not missing, f"not in the database: {_shown(missing)}"

    def _compare(self, upload: Upload) -> None:
        if upload.status == STUCK:
            return
        row = self.stage.settled(upload.file_id)
        name = f"{upload.key} ({upload.file_id})"
        assert row["status"] == upload.status, f"{name}: {upload.status} expected, {row['status']}"
        if upload.duplicate_of:
            first = row.get("duplicate_of")
            assert first == upload.duplicate_of, f"{name}: a duplicate of {first}"
        said = [kind for kind, _ in self.stage.outcomes(upload.file_id)]
        final = [kind for kind in said if kind != "OrderFileFailed"]
        assert len(final) <= 1, f"{name} was announced as {said}"
        if upload.status == "Accepted":
            self._compare_sums(upload, row, name)

    def _compare_sums(self, upload: Upload, row: Row, name: str) -> None:
        lines, _, base = self.stage.sums(upload.file_id)
        left_out = row.get("left_out") or {"lines": 0, "house_total": 0}
        expected = int(row["accepted"]) - int(left_out["lines"])
        assert lines == expected, f"{name}: {lines} lines in the database, {expected} in the ledger"
        worth = Decimal(str(row["house_total"])) - Decimal(str(left_out["house_total"]))
        assert base == worth, f"{name}: {base} in the database, {worth} in the ledger"

    # ------------------------------------------------------------- how it is done

    def sent(self, *statuses: str) -> list[Upload]:
        """Return the uploads of orders with one of these statuses; all without any."""
        return [
            one
            for one in self.model.uploads.values()
            if one.corrects is None and (not statuses or one.status in statuses)
        ]

    def with_refused_lines(self) -> list[Upload]:
        """Return the accepted files that refused lines."""
        return [one for one in self.sent("Accepted") if one.content.refused]

    def _choose[T](self, among: list[T], pick: int) -> T:
        return among[pick % len(among)]

    def _waiting(self, pick: int) -> Upload:
        """Return an upload that waits for a decision: a new one, where there is none."""
        waiting = self.sent(AWAITING)
        if waiting:
            return self._choose(waiting, pick)
        return self._send(self._content(NORDWIND, worth=1000))

    def _pick_to_resend(self, pick: int) -> Upload:
        """Return an upload whose content comes again, with what there is of it already."""

        def scenario(one: Upload) -> tuple[object, ...]:
            expected = self.model.expect_upload(one.content)
            same = [each for each in self.sent() if each.content.sha256 == one.content.sha256]
            decisive = [each for each in same if each.file_id == expected.duplicate_of] or same
            found = {(each.status, each.loaded, each.is_open) for each in decisive}
            return "resend", expected.status, *sorted(found)

        return self._choose_rarest(self.sent(), scenario, pick)

    def _choose_rarest(
        self, among: list[Upload], scenario: Callable[[Upload], tuple[object, ...]], pick: int
    ) -> Upload:
        """Choose one of those whose scenario was chosen least often, in all worlds together."""
        fewest = min(CHOSEN[scenario(one)] for one in among)
        chosen = self._choose([one for one in among if CHOSEN[scenario(one)] == fewest], pick)
        CHOSEN[scenario(chosen)] += 1
        return chosen

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _content(
        self, partner: Partner, *, worth: int = 1, bad: int = 0, large: bool = False
    ) -> Content:
        """Return new orders; the first `bad` lines, at most two, are refused."""
        orders = 46 if bad else 3
        lines = []
        for place in range(ORDERS_IN_LARGE if large else orders):
            number = self._number()
            quantity, price = (1 + place % 7) * worth, Decimal(100 + number % 900) / 100
            if worth > 1:
                price = Decimal("9.99")
            invoice = f"{self.prefix}-{number - place % 2}"  # two lines an order
            lines.append(Line(invoice, f"S{number}", quantity, price, bad=place < bad % 3))
        return Content(partner, datetime.now(UTC).date(), tuple(lines), large)

    def _key(self, partner: Partner) -> str:
        return f"incoming/{partner.name}/{self.prefix}/{self._number()}.csv"

    def _put(self, content: Content, key: str) -> Uploaded:
        return self.stage.upload(key, content.data)

    def _upload(self, uploaded: Uploaded, content: Content) -> Upload:
        return Upload(uploaded.file_id, uploaded.key, uploaded.version_id, content, "Registered")

    def _send(
        self,
        content: Content,
        *,
        key: str | None = None,
        profile_is_broken: bool = False,
        expected: Expected | None = None,
    ) -> Upload:
        """Upload a content, and wait until it has come where the model expects it."""
        if expected is None:
            expected = self.model.expect_upload(content, profile_is_broken=profile_is_broken)
        upload = self._upload(self._put(content, key or self._key(content.partner)), content)
        self._see(upload, expected)
        return upload

    def _see(self, upload: Upload, expected: Expected) -> None:
        """Wait until an upload has come to rest, and compare."""
        self.model.add(upload, expected)
        row = wait_for_status(self.stage, upload, expected)
        assert row["status"] == expected.status, (
            f"{upload.key} ({upload.file_id}): {expected.status} expected, {row['status']} "
            f"({row.get('reason')}: {row.get('explanation')})"
        )
        self.touched.add(upload.file_id)

    def _decide(
        self, upload: Upload, decision: str, *, then: str = "", expected: Expected | None = None
    ) -> None:
        expected = expected or self.model.expect_decision(upload, decision)
        row = self.stage.settled(upload.file_id)
        question = self.stage.question_of(row)
        for one in filter(None, (decision, then)):
            sent = question | {"decision": one, "decided_by": f"{one} by the model"}
            self.stage.decide(sent)
            upload.decisions.append(sent)
        self._see(upload, expected)

    def _retry(self, upload: Upload) -> None:
        if upload.status == STUCK and upload.is_direct:
            self._expire(upload)
        expected = self.model.expect_retry(upload)
        self.stage.retry(upload.file_id)
        self._see(upload, expected)

    def _expire(self, upload: Upload) -> None:
        self.stage.let_claim_expire(upload.file_id)
        upload.claim_expired = True


KINDS = tuple(_POSSIBLE)
_AT_REST = ("Accepted", "Rejected", "Declined", "Duplicate", AWAITING)
_PATIENCE = 15.0  # seconds until what is not as expected counts


def wait_for_status(stage: ModelStage, upload: Upload, expected: Expected) -> Row:
    """Return the row of an upload that has come to rest.

    An upload that was at rest before, such as one that is run again, is waited for until it has
    left that place; what has come to rest elsewhere is returned after a while.
    """
    deadline = time.monotonic() + _PATIENCE

    def look() -> Row | None:
        row: Row = stage.settled(upload.file_id)
        as_expected = row["status"] == expected.status
        return row if as_expected or time.monotonic() > deadline else None

    return wait_until(look, "the file comes to rest", 2 * _PATIENCE)


def _shown(lines: dict[Any, Any]) -> str:
    some = list(lines.items())[:5]
    return f"{some}{f' and {len(lines) - 5} more' if len(lines) > 5 else ''}"
