"""From the results of a file's chunks to its totals and what is to become of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from heapq import merge
from itertools import groupby
from typing import Literal

import msgspec

from order_intake.lines import shortest
from order_intake.results import ChunkResult, Totals

Verdict = Literal["load", "approve", "reject"]


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

    Rejected: no lines, no accepted line, or a greater share of refused lines than tolerated.
    To be approved: worth more than the threshold; credits count by their size, too.
    """
    totals = _totals(results, currency, house_currency)
    if totals.lines_in == 0:
        explanation = "the file has a header but no order lines"
        return Assessment("reject", totals, "empty_file", explanation)
    refused = totals.lines_in - totals.accepted
    tolerance = Decimal(terms["tolerance"])
    if totals.accepted == 0 or refused > tolerance * totals.lines_in:
        explanation = _too_many(totals, refused, tolerance)
        return Assessment("reject", totals, "too_many_refused_lines", explanation)
    if abs(Decimal(totals.house_total)) > Decimal(terms["approval_threshold"]):
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
    )


def _distinct_orders(results: Sequence[ChunkResult]) -> int:
    """Count the invoices over all chunks: one may begin in one chunk and end in the next.

    The digests come sorted, so that merging them needs no memory but theirs.
    """
    digests = merge(*(memoryview(result.order_digests).cast("Q") for result in results))
    return sum(1 for _ in groupby(digests))


def _sum(amounts: Iterable[str]) -> str:
    # 50 digits: no sum of a file's amounts is ever rounded.
    with localcontext(prec=50):
        return str(shortest(sum(map(Decimal, amounts), Decimal(0))))


def _too_many(totals: Totals, refused: int, tolerance: Decimal) -> str:
    most, lines = max(totals.refused.items(), key=lambda item: item[1])
    return (
        f"{refused} of {totals.lines_in} lines were refused, most often {most} ({lines}); "
        f"the agreed tolerance is {tolerance:%} of the lines"
    )
