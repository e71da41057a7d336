"""From the results of a file's chunks to its totals and what is to become of it."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Literal

import msgspec

from order_intake.domain.lines import shortest
from order_intake.domain.results import ChunkResult, Totals

Verdict = Literal["load", "approve", "reject"]

DIGESTS_AT_ONCE = 50_000


class Assessment(msgspec.Struct, frozen=True):
    """What is to become of a file; reason and explanation only where it is rejected."""

    verdict: Verdict
    totals: Totals
    reason: str | None = None
    explanation: str | None = None


def assess(
    results: Sequence[ChunkResult],
    terms: Mapping[str, str],
    currency: str,
    house_currency: str,
) -> Assessment:
    """Add up the chunks and hold them against the terms that the ledger keeps for the file.

    Rejected: no lines, no accepted line, or a greater share of refused lines than tolerated
    (chunks that were stopped found that already).
    To be approved: the gross amount is above the threshold and above what an earlier run of the
    file was allowed to load, or it is not known (chunks that were priced by an earlier version do
    not say it).
    """
    totals = _totals(results, currency, house_currency)
    if totals.lines_in == 0:
        explanation = "the file has a header but no order lines"
        return Assessment("reject", totals, "empty_file", explanation)
    refused = totals.lines_in - totals.accepted
    tolerance = Decimal(terms["tolerance"])
    stopped = any(result.stopped for result in results)
    if stopped or totals.accepted == 0 or refused > tolerance * totals.lines_in:
        explanation = _too_many(totals, refused, tolerance, stopped=stopped)
        return Assessment("reject", totals, "too_many_refused_lines", explanation)
    limits = (terms["approval_threshold"], terms.get("allowed_gross", "0"))
    gross = totals.house_gross
    if gross is None or Decimal(gross) > max(map(Decimal, limits)):
        return Assessment("approve", totals)
    return Assessment("load", totals)


def _totals(results: Sequence[ChunkResult], currency: str, house_currency: str) -> Totals:
    refused: Counter[str] = Counter()
    for result in results:
        refused.update(result.refused)
    return Totals(
        lines_in=sum(result.lines_in for result in results),
        accepted=sum(result.accepted for result in results),
        refused=dict(sorted(refused.items())),
        orders=_distinct_orders(results),
        total=_sum(result.amount for result in results),
        currency=currency,
        house_total=_sum(result.house_amount for result in results),
        house_currency=house_currency,
        house_gross=_gross(results),
    )


def _gross(results: Sequence[ChunkResult]) -> str | None:
    known = [result.house_gross for result in results if result.house_gross is not None]
    return _sum(known) if len(known) == len(results) else None


def _distinct_orders(results: Sequence[ChunkResult]) -> int:
    """Count the invoices over all chunks: one may begin in one chunk and end in the next.

    The digests come sorted, so each chunk's part of a range of them is one slice: range by range
    they go through a set, which takes a fifth of a merge's time and little memory.
    """
    parts = [memoryview(result.order_digests).cast("Q") for result in results]
    ranges = 1 + sum(map(len, parts)) // DIGESTS_AT_ONCE
    begins = [0] * len(parts)
    orders = 0
    for number in range(1, ranges + 1):
        # The digests spread evenly over their 64 bits.
        bound = (number << 64) // ranges
        ends = [bisect_left(part, bound, begin) for part, begin in zip(parts, begins, strict=True)]
        found: set[int] = set()
        for part, begin, end in zip(parts, begins, ends, strict=True):
            found.update(part[begin:end])
        orders += len(found)
        begins = ends
    return orders


def _sum(amounts: Iterable[str]) -> str:
    # 50 digits: no sum of a file's amounts is ever rounded.
    with localcontext(prec=50):
        return str(shortest(sum(map(Decimal, amounts), Decimal(0))))


def _too_many(totals: Totals, refused: int, tolerance: Decimal, *, stopped: bool) -> str:
    most, lines = max(totals.refused.items(), key=lambda item: item[1])
    read = " that were read" if stopped else ""
    rest = ", so the rest was not read" if stopped else ""
    return (
        f"{refused} of {totals.lines_in} lines{read} were refused, most often {most} ({lines}); "
        f"the agreed tolerance is {tolerance:%} of the file's lines{rest}"
    )
