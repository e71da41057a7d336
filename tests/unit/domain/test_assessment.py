"""What is to become of a file: load, ask a person, or reject."""

from array import array

import pytest
from msgspec import structs

from order_intake.domain.assessment import Assessment, assess
from order_intake.domain.results import ChunkResult

TERMS = {"approval_threshold": "1000.00", "tolerance": "0.01"}


def result(
    accepted: int = 1, refused: int = 0, house: str = "10.00", orders: tuple[int, ...] = (1,)
) -> ChunkResult:
    return ChunkResult(
        index=0,
        lines_in=accepted + refused,
        accepted=accepted,
        refused={"price_invalid": refused} if refused else {},
        amount="8.50",
        house_amount=house,
        order_digests=array("Q", orders).tobytes(),
        house_gross=house.removeprefix("-"),
    )


def evaluated(*results: ChunkResult) -> Assessment:
    return assess(results, TERMS, "GBP", "EUR")


def test_totals_are_the_sums_of_all_chunks() -> None:
    found = evaluated(result(2, orders=(1, 5, 9)), result(100, 1, "-3.50", orders=(5, 9, 12)))

    totals = found.totals
    assert (totals.lines_in, totals.accepted, totals.refused) == (103, 102, {"price_invalid": 1})
    assert (totals.total, totals.house_total, totals.house_gross) == ("17.00", "6.50", "13.50")
    assert (totals.currency, totals.house_currency) == ("GBP", "EUR")
    assert totals.orders == 4


def test_a_total_looks_the_same_however_the_file_was_cut() -> None:
    parts = [structs.replace(result(), amount=amount) for amount in ("1.255", "1.245")]

    assert evaluated(*parts).totals.total == "2.50"


@pytest.mark.parametrize(
    ("house", "verdict"),
    [("1000.00", "load"), ("1000.01", "approve"), ("-1000.01", "approve"), ("0.00", "load")],
)
def test_a_file_above_the_threshold_needs_a_person(house: str, verdict: str) -> None:
    assert evaluated(result(house=house)).verdict == verdict


@pytest.mark.parametrize(("allowed", "verdict"), [("1000.01", "load"), ("1000.00", "approve")])
def test_what_an_earlier_run_was_allowed_to_load_needs_nobody(allowed: str, verdict: str) -> None:
    terms = TERMS | {"allowed_gross": allowed}

    assert assess([result(house="1000.01")], terms, "GBP", "EUR").verdict == verdict


def test_a_credit_hides_no_order_of_its_size() -> None:
    order, credit = result(house="999.00"), result(house="-998.00")

    found = evaluated(order, credit)

    assert (found.verdict, found.totals.house_total) == ("approve", "1.00")
    assert found.totals.house_gross == "1997.00"


def test_a_gross_amount_that_is_not_known_needs_a_person() -> None:
    """A chunk was priced before an update, and the file is assessed after it."""
    before = structs.replace(result(), house_gross=None)

    found = evaluated(result(), before)

    assert (found.verdict, found.totals.house_gross) == ("approve", None)


@pytest.mark.parametrize(
    ("accepted", "refused", "verdict"), [(99, 1, "load"), (98, 1, "reject"), (0, 1, "reject")]
)
def test_more_refused_lines_than_tolerated_reject_the_file(
    accepted: int, refused: int, verdict: str
) -> None:
    found = evaluated(result(accepted, refused))

    assert found.verdict == verdict
    if verdict == "reject":
        assert found.reason == "too_many_refused_lines"
        assert "most often price_invalid" in (found.explanation or "")


def test_a_file_with_too_many_refused_lines_is_no_persons_question() -> None:
    assert evaluated(result(1, 9, "5000.00")).verdict == "reject"


def test_even_full_tolerance_loads_no_file_without_a_good_line() -> None:
    found = assess([result(0, 3)], TERMS | {"tolerance": "1"}, "GBP", "EUR")

    assert found.verdict == "reject"


def test_a_file_that_was_stopped_is_rejected_whatever_its_share_of_refused_lines() -> None:
    # Given one chunk that was not read to its end, and whose refused lines are not all there
    stopped = structs.replace(result(1000, 1), stopped=True)

    found = evaluated(result(1000, 0), stopped)

    assert (found.verdict, found.reason) == ("reject", "too_many_refused_lines")
    assert "so the rest was not read" in (found.explanation or "")


def test_orders_are_counted_exactly_however_many_there_are() -> None:
    # Given more digests than are looked at together, from one end of their range to the other
    step = 2**64 // 120_000
    every = [number * step for number in range(120_000)] + [2**64 - 1]
    parts = [result(orders=tuple(every[place::2])) for place in range(2)]

    # Then those that come in several chunks are counted once
    assert evaluated(*parts, result(orders=tuple(every))).totals.orders == 120_001


@pytest.mark.parametrize("results", [(), (result(0, 0),)])
def test_a_file_of_nothing_but_empty_lines_is_empty(results: tuple[ChunkResult, ...]) -> None:
    assert evaluated(*results).reason == "empty_file"
