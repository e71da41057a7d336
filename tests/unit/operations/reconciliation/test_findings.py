from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from operations.database.connection import LoadedFile
from operations.reconciliation.findings import is_open, problems, repetitions
from operations.reconciliation.reading import NOTHING, File
from operations.scenarios.outcome import Curated

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SUMS = (8, Decimal("80.00"), Decimal("90.00"))
ROW = {
    "status": "Accepted",
    "closed_at": "2026-03-02T11:00:00Z",
    "lines_in": 10,
    "accepted": 8,
    "refused": {"price_invalid": 2},
    "total": "80.00",
    "house_total": "90.00",
    "loaded": True,
    "claim_expires_at": 0,
}


def event(
    outcome: str = "Accepted", at: str = "2026-03-02T11:00:00Z", **detail: Any
) -> dict[str, Any]:
    return {"detail-type": f"OrderFile{outcome}", "detail": {"closed_at": at} | detail}


ACCEPTED = File(
    "f",
    "incoming/nordwind/a.csv",
    NOW - timedelta(hours=1),
    ROW,
    Curated(*SUMS),
    refused_lines=2,
    stored=LoadedFile(SUMS),
    events=(event(),),
)
REJECTED = replace(
    ACCEPTED,
    row=ROW | {"status": "Rejected", "loaded": False},
    curated=NOTHING,
    has_reason=True,
    stored=LoadedFile((0, Decimal(0), Decimal(0))),
    events=(event("Rejected"),),
)
# The load's answer was lost, and with it the sums.
FAILED = replace(
    ACCEPTED,
    row={
        "status": "Failed",
        "closed_at": ROW["closed_at"],
        "loaded": None,
        "claim_expires_at": 0,
    },
    curated=NOTHING,
    refused_lines=0,
    events=(event("Failed"),),
)
FAILED_KNOWING = replace(FAILED, row=ROW | {"status": "Failed"})
NOT_LOADED = LoadedFile((0, Decimal(0), Decimal(0)))


@pytest.mark.parametrize(
    "file",
    [
        ACCEPTED,
        REJECTED,
        FAILED,
        replace(FAILED, stored=NOT_LOADED),
        FAILED_KNOWING,
        replace(ACCEPTED, events=(event(house_total="90.00", accepted=8, loaded=True),)),
        replace(ACCEPTED, row=ROW | {"sha256": "a"}, stored=LoadedFile(SUMS, sha256="a")),
        replace(
            ACCEPTED,
            stored=LoadedFile(
                (5, Decimal(50), Decimal(60)), left_out=(3, Decimal(30), Decimal(30)), digest="b"
            ),
            curated=Curated(*SUMS, digest="a"),
        ),
    ],
)
def test_a_file_that_reconciles_has_no_problems(file: File) -> None:
    assert problems(file, NOW) == []


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (replace(ACCEPTED, row=None), "no row"),
        (replace(ACCEPTED, uploaded_at=None), "no upload"),
        (replace(ACCEPTED, row=ROW | {"lines_in": 11}), "11 lines came in"),
        (replace(ACCEPTED, curated=replace(Curated(*SUMS), lines=7)), "curated/ has"),
        (replace(ACCEPTED, refused_lines=1), "quarantine/ holds 1"),
        (replace(ACCEPTED, has_reason=True), "a reason lies under"),
        (replace(ACCEPTED, stored=LoadedFile((7, *SUMS[1:]))), "the database has 7"),
        (replace(ACCEPTED, events=()), "no event announces"),
        (replace(ACCEPTED, events=(event(), event("Rejected"))), "announced as OrderFileRejected"),
        (replace(REJECTED, curated=Curated(*SUMS)), "lie under curated/"),
        (replace(REJECTED, stored=LoadedFile(SUMS)), "the database has 8 lines of it"),
        (replace(FAILED, stored=LoadedFile(SUMS, is_whole=False)), "not those that it was to have"),
        (replace(FAILED_KNOWING, stored=NOT_LOADED), "the database has 0"),
        (
            replace(FAILED_KNOWING, row=ROW | {"status": "Failed", "accepted": 7, "lines_in": 9}),
            "the ledger says (lines, sums) 7",
        ),
        (
            replace(ACCEPTED, row=ROW | {"sha256": "a"}, stored=LoadedFile(SUMS, sha256="b")),
            "another content",
        ),
        (
            replace(
                ACCEPTED,
                curated=Curated(*SUMS, digest="a"),
                stored=LoadedFile(SUMS, digest="b"),
            ),
            "not those under curated/, though their sums are equal",
        ),
        (
            replace(ACCEPTED, stored=LoadedFile((5, *SUMS[1:]), left_out=(2, *SUMS[1:]))),
            "the database has 7 / 160.00",
        ),
        (replace(ACCEPTED, events=(event(house_total="90.01"),)), "90.00, its event 90.01"),
        (replace(ACCEPTED, events=(event(loaded=False),)), "loaded: the ledger says True"),
        (replace(REJECTED, has_reason=False), "a reason lies not"),
        (replace(ACCEPTED, row=ROW | {"status": "Registered"}), "nobody works on it"),
        (
            replace(ACCEPTED, row=ROW | {"status": "AwaitingApproval"}, execution="FAILED"),
            "nobody works on it",
        ),
    ],
)
def test_what_does_not_hold_is_reported(file: File, said: str) -> None:
    [problem] = problems(file, NOW)

    assert said in problem


def test_what_is_under_way_is_open() -> None:
    registered = ROW | {"status": "Registered", "claim_expires_at": NOW.timestamp() + 60}
    awaiting = replace(ACCEPTED, row=ROW | {"status": "AwaitingApproval"}, execution="RUNNING")

    assert is_open(replace(ACCEPTED, row=None, uploaded_at=NOW), NOW)
    assert is_open(replace(ACCEPTED, row=registered), NOW)
    assert is_open(awaiting, NOW)
    assert problems(awaiting, NOW) == []
    assert is_open(replace(ACCEPTED, events=()), datetime(2026, 3, 2, 11, 0, 1, tzinfo=UTC))
    assert not is_open(replace(ACCEPTED, events=()), NOW)
    assert not is_open(ACCEPTED, NOW)


def test_a_file_that_had_failed_before_has_an_event_for_each_run() -> None:
    events = (event("Failed", "2026-03-02T10:00:00Z"), event())
    again = replace(ACCEPTED, row=ROW | {"run": 2}, events=events)

    assert problems(again, NOW) == []
    assert problems(replace(again, row=ROW | {"run": 1}), NOW) != []


def test_an_event_that_says_the_same_again_is_counted_and_no_problem() -> None:
    twice = replace(ACCEPTED, events=(event(), event()))

    assert problems(twice, NOW) == []
    assert repetitions(twice) == 1
