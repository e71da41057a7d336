"""The ledger's three promises, over a table that evaluates its conditions."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_intake.adapters import aws_clients
from order_intake.adapters.ledger import (
    FINAL,
    Claim,
    Claimed,
    ClosedOtherwise,
    FileRow,
    Ledger,
    Taken,
)
from order_intake.domain.errors import ServiceBusy
from order_intake.domain.outcomes import Decision
from order_intake.domain.results import Totals
from order_intake.domain.uploads import IncomingFile
from tests.unit.fake_dynamodb import FakeDynamoDB
from tests.unit.fakes import FakeCloud, client_error

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LEASE = timedelta(minutes=15)
QUESTION = "f1-1-threshold"
FILE = IncomingFile(
    file_id="f1",
    bucket="uploads",
    key="incoming/nordwind/a.csv",
    version_id="v1",
    partner="nordwind",
    size=100,
    uploaded_at="2026-03-02T11:59:00Z",
    route="direct",
    correlation_id="c-1",
)
OTHER = msgspec.structs.replace(FILE, file_id="f2", version_id="v2")
TOTALS = Totals(
    lines_in=3,
    accepted=2,
    refused={"price_invalid": 1},
    orders=1,
    total="10.00",
    currency="GBP",
    house_total="11.62",
    house_currency="EUR",
)
GROSS_OF_9 = msgspec.structs.replace(TOTALS, house_gross="9.00")


@pytest.fixture
def ledger(cloud: FakeCloud) -> Ledger:
    return Ledger("ledger")


def test_a_claim_is_granted_once(ledger: Ledger) -> None:
    first = ledger.claim(FILE, "ann", LEASE, NOW)
    second = ledger.claim(FILE, "ben", LEASE, NOW)

    assert isinstance(first, Claimed)
    assert first.row.file == FILE
    assert isinstance(second, Taken)
    assert second.row.claimed_by == "ann"


def test_a_retry_meets_its_own_claim_and_counts_it(ledger: Ledger) -> None:
    ledger.claim(FILE, "ann", LEASE, NOW)
    # Its claim may have expired meanwhile: Lambda's retries take up to six hours.
    again = ledger.claim(FILE, "ann", LEASE, NOW + timedelta(hours=5))

    assert isinstance(again, Claimed)
    assert again.attempts == 2
    assert again.row.run == 1
    assert again.row.claim_expires_at == int((NOW + timedelta(hours=5) + LEASE).timestamp())


def test_an_expired_claim_is_taken_over_as_a_new_run(ledger: Ledger) -> None:
    ledger.claim(FILE, "ann", LEASE, NOW)
    late = ledger.claim(FILE, "ben", LEASE, NOW + timedelta(minutes=16))

    assert isinstance(late, Claimed)
    assert (late.row.claimed_by, late.attempts, late.row.run) == ("ben", 1, 2)


@pytest.mark.parametrize("outcome", ["Accepted", "Rejected", "Duplicate"])
def test_a_final_row_is_never_claimed_again(ledger: Ledger, outcome: str) -> None:
    ledger.claim(FILE, "ann", LEASE, NOW)
    ledger.close("f1", outcome, {}, NOW)  # type: ignore[arg-type]

    for claimant in ("ann", "ben"):
        assert isinstance(ledger.claim(FILE, claimant, LEASE, NOW + timedelta(days=9)), Taken)


def test_a_failed_file_is_claimed_again_without_traces_of_its_failure(ledger: Ledger) -> None:
    ledger.claim(FILE, "ann", LEASE, NOW)
    ledger.record_registration("f1", sha256="ab", chunks=1, terms={"tolerance": "0"}, now=NOW)
    ledger.close("f1", "Failed", {"reason": "RatesRefused", "explanation": "no"}, NOW)

    again = ledger.claim(FILE, "ben", LEASE, NOW)

    assert isinstance(again, Claimed)
    assert again.row.status == "Registered"
    assert again.row.run == 2
    left = [again.row.reason, again.row.explanation, again.row.closed_at, again.row.sha256]
    assert left == [None] * 4


def test_an_outcome_is_written_once(ledger: Ledger) -> None:
    ledger.claim(FILE, "ann", LEASE, NOW)
    first = ledger.close("f1", "Accepted", msgspec.structs.asdict(TOTALS), NOW)
    again = ledger.close("f1", "Accepted", {}, NOW + timedelta(hours=1))

    assert first == again
    assert again.closed_at == "2026-03-02T12:00:00Z"
    assert again.totals == TOTALS
    with pytest.raises(ClosedOtherwise, match="Accepted"):
        ledger.close("f1", "Failed", {}, NOW)


def test_only_the_claimant_may_give_up(ledger: Ledger) -> None:
    ledger.claim(FILE, "ann", LEASE, NOW)
    ledger.claim(FILE, "ben", LEASE, NOW + timedelta(minutes=16))

    with pytest.raises(ClosedOtherwise):
        ledger.close("f1", "Failed", {}, NOW, claimant="ann")


def test_a_file_that_nobody_claimed_cannot_be_closed(ledger: Ledger) -> None:
    with pytest.raises(ClosedOtherwise, match="no such row"):
        ledger.close("f1", "Accepted", {}, NOW)


def test_a_content_belongs_to_one_upload_of_a_partner(ledger: Ledger) -> None:
    ledger.claim(FILE, "ann", LEASE, NOW)

    assert ledger.claim_content("nordwind", "ab", "f1", NOW) is None
    assert ledger.claim_content("nordwind", "ab", "f1", NOW) is None
    assert ledger.claim_content("nordwind", "ab", "f2", NOW) == "f1"
    assert ledger.claim_content("another", "ab", "f2", NOW) is None


@given(
    status=st.sampled_from([None, "Registered", "AwaitingApproval", *sorted(FINAL)]),
    loaded=st.sampled_from([False, None, True]),
    expires_in=st.integers(-10, 10),
    claims=st.sampled_from([None, 1, 7]),
)
def test_a_content_is_taken_while_its_owner_may_bring_it_or_has(
    status: str | None, loaded: bool | None, expires_in: int, claims: int | None
) -> None:
    """Accepted, in work under a claim, or Failed and perhaps loaded; else the next one gets it."""
    fake = FakeDynamoDB(lambda _: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aws_clients, "dynamodb", lambda: fake)
        content: dict[str, Any] = {"pk": "content#nordwind#ab", "file_id": "f1"}
        fake.items["content#nordwind#ab"] = content | ({"claims": claims} if claims else {})
        if status:
            fake.items["file#f1"] = msgspec.structs.asdict(FILE) | {
                "pk": "file#f1",
                "status": status,
                "claimed_by": "ann",
                "claim_expires_at": int(NOW.timestamp()) + expires_in,
                "loaded": loaded,
            }
        answer = Ledger("ledger").claim_content("nordwind", "ab", "f2", NOW)

    taken = (
        status == "Accepted"
        or (status in ("Registered", "AwaitingApproval") and expires_in >= 0)
        or (status == "Failed" and loaded is not False)
    )
    assert answer == ("f1" if taken else None)
    assert fake.items["content#nordwind#ab"]["file_id"] == ("f1" if taken else "f2")


def test_an_owner_that_comes_back_finds_that_its_content_went_to_another(ledger: Ledger) -> None:
    ledger.claim(FILE, "ann", LEASE, NOW)
    ledger.claim_content("nordwind", "ab", "f1", NOW)
    late = NOW + LEASE + timedelta(seconds=1)
    ledger.claim(OTHER, "ben", LEASE, late)

    assert ledger.claim_content("nordwind", "ab", "f2", late) is None
    assert ledger.claim_content("nordwind", "ab", "f1", late) == "f2"


def test_an_owner_that_goes_on_is_not_overtaken_by_one_that_looked_before(
    ledger: Ledger, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.claim(FILE, "ann", LEASE, NOW)
    ledger.claim_content("nordwind", "ab", "f1", NOW)
    late, find = NOW + LEASE + timedelta(seconds=1), ledger.find

    def find_and_be_slow(file_id: str) -> FileRow | None:
        seen = find(file_id)
        monkeypatch.setattr(ledger, "find", find)
        ledger.begin_load("f1", Claim("ann", LEASE, late), "9.00")
        assert ledger.claim_content("nordwind", "ab", "f1", late) is None
        return seen

    monkeypatch.setattr(ledger, "find", find_and_be_slow)

    assert ledger.claim_content("nordwind", "ab", "f2", late) == "f1"


def test_whether_a_file_is_loaded_is_known_until_its_load_begins(ledger: Ledger) -> None:
    claimed = ledger.claim(FILE, "ann", LEASE, NOW)
    begun = ledger.begin_load("f1", Claim("ann", LEASE, NOW), "9.00")
    ended = ledger.end_load("f1", "ann", {"loaded": True})

    assert [claimed.row.loaded, begun.loaded, ended.loaded] == [False, None, True]


@pytest.mark.parametrize("loaded", [False, None, True])
def test_a_new_run_knows_what_the_failed_one_knew_of_its_load(
    ledger: Ledger, loaded: bool | None
) -> None:
    ledger.claim(FILE, "ann", LEASE, NOW)
    if loaded is not False:
        ledger.begin_load("f1", Claim("ann", LEASE, NOW), "9.00")
    if loaded:
        ledger.end_load("f1", "ann", {"loaded": True})
    ledger.close("f1", "Failed", {"reason": "ServiceBusy"}, NOW)

    assert ledger.claim(FILE, "ben", LEASE, NOW).row.loaded is loaded


@pytest.mark.parametrize(
    ("decision", "loading", "allowed"),
    [
        (None, False, None),
        ("declined", False, None),
        ("approved", False, "9.00"),
        (None, True, "9.00"),
    ],
)
def test_a_new_run_may_load_what_was_approved_or_begun_to_be_loaded(
    ledger: Ledger, decision: Decision | None, loading: bool, allowed: str | None
) -> None:
    ledger.claim(FILE, "ann", LEASE, NOW)
    if decision:
        ledger.await_approval("f1", "threshold", "t", GROSS_OF_9, NOW + LEASE)
        ledger.decide("f1", "f1-1-threshold", decision, "zoe")
    if loading:
        ledger.begin_load("f1", Claim("ann", LEASE, NOW), "9.00")
    for claimant in ("ben", "cem"):  # the second one begins after a run that came nowhere
        ledger.close("f1", "Failed", {"reason": "ServiceBusy"}, NOW)
        row = ledger.claim(FILE, claimant, LEASE, NOW).row
        assert (row.allowed_gross, row.approval, row.house_gross) == (allowed, None, None)


def test_who_lost_a_file_can_neither_load_nor_hold_nor_close_it(ledger: Ledger) -> None:
    ledger.claim(FILE, "ann", LEASE, NOW)
    late = NOW + LEASE + timedelta(seconds=1)
    ledger.claim(FILE, "ben", LEASE, late)

    acts: list[Callable[[], FileRow]] = [
        lambda: ledger.begin_load("f1", Claim("ann", LEASE, late), "9.00"),
        lambda: ledger.end_load("f1", "ann", {"loaded": True}),
        lambda: ledger.hold("f1", Claim("ann", LEASE, late), "Accepted"),
        lambda: ledger.close("f1", "Accepted", {}, late, claimant="ann"),
    ]
    for act in acts:
        with pytest.raises(ClosedOtherwise):
            act()
    ledger.close("f1", "Accepted", {}, late, claimant="ben")
    with pytest.raises(ClosedOtherwise):
        ledger.close("f1", "Accepted", {}, late, claimant="ann")


def test_who_loads_or_closes_a_file_has_it_for_longer(ledger: Ledger) -> None:
    ledger.claim(FILE, "ann", LEASE, NOW)
    later = NOW + timedelta(minutes=10)

    for row in (
        ledger.begin_load("f1", Claim("ann", LEASE, later), "9.00"),
        ledger.hold("f1", Claim("ann", LEASE, later + LEASE), "Accepted"),
    ):
        assert row.claim_expires_at >= (later + LEASE).timestamp()
        assert (row.attempts, row.run) == (1, 1)


def test_a_retry_of_the_last_step_holds_a_file_that_it_has_closed(ledger: Ledger) -> None:
    ledger.claim(FILE, "ann", LEASE, NOW)
    closed = ledger.close("f1", "Accepted", {}, NOW, claimant="ann")

    assert ledger.hold("f1", Claim("ann", LEASE, NOW), "Accepted") == closed
    with pytest.raises(ClosedOtherwise):
        ledger.hold("f1", Claim("ann", LEASE, NOW), "Rejected")
    assert ledger.close("f1", "Accepted", {}, NOW, claimant="ann") == closed


def test_a_handed_over_claim_is_met_by_the_execution_as_its_own(ledger: Ledger) -> None:
    ledger.claim(FILE, "request", LEASE, NOW)
    for _ in range(2):
        ledger.hand_over("f1", "request", "execution", timedelta(hours=24), NOW)

    met = ledger.claim(FILE, "execution", LEASE, NOW)

    assert isinstance(met, Claimed)
    assert (met.attempts, met.row.route) == (1, "workflow")
    assert isinstance(ledger.claim(FILE, "request", LEASE, NOW), Taken)
    with pytest.raises(ClosedOtherwise):
        ledger.hand_over("f1", "request", "another", LEASE, NOW)


def waiting(ledger: Ledger, attempt: int = 1) -> None:
    ledger.claim(FILE, "execution", LEASE, NOW)
    ledger.await_approval("f1", "threshold", f"token-{attempt}", TOTALS, NOW + timedelta(days=8))


def test_the_first_decision_wins(ledger: Ledger, cloud: FakeCloud) -> None:
    waiting(ledger)

    assert ledger.decide("f1", QUESTION, "approved", "ann") == "token-1"
    assert ledger.decide("f1", QUESTION, "declined", "ben") is None
    # The same again: the call that should resume the workflow may have failed in between.
    assert ledger.decide("f1", QUESTION, "approved", "ann") == "token-1"
    assert ledger.forget_token("f1", "token-1")
    assert ledger.decide("f1", QUESTION, "approved", "ann") is None
    assert "task_token" not in cloud.row("f1")
    assert cloud.row("f1")["approval"] == {
        "decision": "approved",
        "decided_by": "ann",
        "question_id": QUESTION,
    }


def test_waiting_keeps_the_sums_and_the_claim(ledger: Ledger) -> None:
    waiting(ledger)
    row = ledger.find("f1")

    assert row is not None
    assert row.status == "AwaitingApproval"
    assert row.totals == TOTALS
    assert isinstance(ledger.claim(FILE, "ben", LEASE, NOW + timedelta(days=7)), Taken)


def test_asking_again_takes_the_new_token(ledger: Ledger) -> None:
    waiting(ledger)
    waiting(ledger, 2)

    assert ledger.decide("f1", QUESTION, "declined", "ann") == "token-2"
    assert not ledger.forget_token("f1", "token-1")
    assert ledger.forget_token("f1", "token-2")
    assert not ledger.forget_token("f1", "token-2")


def test_another_question_of_the_same_run_waits_for_an_answer_of_its_own(ledger: Ledger) -> None:
    waiting(ledger)
    ledger.decide("f1", QUESTION, "approved", "ann")
    assert ledger.await_approval("f1", "threshold", "token-1", TOTALS, NOW).answer is not None

    assert ledger.await_approval("f1", "orders", "token-2", TOTALS, NOW).answer is None

    assert ledger.decide("f1", QUESTION, "approved", "ann") is None
    assert ledger.decide("f1", "f1-1-orders", "declined", "ben") == "token-2"
    assert ledger.decide("f1", "f1-1-orders", "approved", "ann") is None


def test_nothing_is_decided_where_nothing_waits(ledger: Ledger) -> None:
    assert ledger.decide("f1", QUESTION, "approved", "ann") is None
    ledger.claim(FILE, "ann", LEASE, NOW)
    assert ledger.decide("f1", QUESTION, "approved", "ann") is None


def test_an_outcome_removes_the_token(ledger: Ledger, cloud: FakeCloud) -> None:
    waiting(ledger)
    ledger.close("f1", "Accepted", {}, NOW)

    assert "task_token" not in cloud.row("f1")
    with pytest.raises(ClosedOtherwise):
        ledger.await_approval("f1", "threshold", "token-3", TOTALS, NOW)


def test_rows_are_found_in_batches_and_asked_for_until_all_are_there(
    ledger: Ledger, cloud: FakeCloud
) -> None:
    files = [msgspec.structs.replace(FILE, file_id=f"f{n}") for n in range(120)]
    for file in files:
        ledger.claim(file, "ann", LEASE, NOW)
    cloud.dynamodb.unprocessed = 7

    found = ledger.find_all([file.file_id for file in files] + ["unknown", "f1"])

    assert sorted(found) == sorted(file.file_id for file in files)


def test_a_row_that_the_workflow_made_reads_like_any_other(
    ledger: Ledger, cloud: FakeCloud
) -> None:
    facts = msgspec.structs.asdict(FILE)
    cloud.dynamodb.items["file#f1"] = facts | {
        "pk": "file#f1",
        "status": "Failed",
        "claimed_by": "execution",
        "closed_at": "2026-03-02T12:00:00.123Z",
        "loaded": False,
    }
    row = ledger.find("f1")

    assert row is not None
    assert row.is_final
    assert isinstance(ledger.claim(FILE, "ann", LEASE, NOW), Claimed)


def test_throttling_is_passing_and_a_missing_permission_is_not(
    ledger: Ledger, cloud: FakeCloud
) -> None:
    cloud.fail("update_item", client_error("ThrottlingException"))
    with pytest.raises(ServiceBusy):
        ledger.claim(FILE, "ann", LEASE, NOW)

    cloud.fail("update_item", client_error("AccessDeniedException"))
    with pytest.raises(Exception, match="AccessDenied") as refused:
        ledger.claim(FILE, "ann", LEASE, NOW)
    assert not isinstance(refused.value, ServiceBusy)
