"""What all files of a replay come to: lines, refusals, money; for the report at its end."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal

from operations.scenarios.uploads import UploadOutcome
from workbench.replay.figures import Figures, Row
from workbench.replay.result import shown


def of(seen: Sequence[UploadOutcome]) -> list[Figures]:
    """Return how many files and lines had which outcome, and what the accepted ones are worth."""
    found = [_files(seen), _lines(seen), _refusals(seen), _money(seen)] if seen else []
    return [one for one in found if one.rows]


def lines_of(seen: UploadOutcome) -> str:
    """Return lines, orders and sums of a file, for people."""
    text = f"{seen.lines_in:,} in, {seen.accepted:,} accepted"
    if seen.refused:
        text += f", {sum(seen.refused.values()):,} refused ({shown(seen.refused)})"
    orders = "1 order" if seen.orders == 1 else f"{seen.orders:,} orders"
    text += f" · {orders} · {money(seen.total)} {seen.currency}"
    if seen.currency != "EUR":
        text += f" = {money(seen.house_total)} EUR"
    return text


def _files(seen: Sequence[UploadOutcome]) -> Figures:
    outcomes = Counter(one.outcome or "nothing happened" for one in seen)
    rows = [Row(outcome, f"{count:,}") for outcome, count in outcomes.most_common()]
    return Figures(f"{len(seen):,} files", rows, bars=True)


def _lines(seen: Sequence[UploadOutcome]) -> Figures:
    came = sum(one.lines_in or 0 for one in seen)
    loaded = sum(one.accepted or 0 for one in seen if one.loaded)
    rows = [
        Row("accepted", f"{sum(one.accepted or 0 for one in seen):,}"),
        Row("in the database", f"{loaded:,}", level=1),
        Row("refused", f"{sum(sum(one.refused.values()) for one in seen):,}"),
    ]
    return Figures(f"{came:,} lines", rows)


def _refusals(seen: Sequence[UploadOutcome]) -> Figures:
    refused: Counter[str] = Counter()
    for one in seen:
        refused.update(one.refused)
    rows = [Row(reason, f"{count:,}") for reason, count in refused.most_common()]
    return Figures("Refused lines", rows, bars=True)


def _money(seen: Sequence[UploadOutcome]) -> Figures:
    """Return what the accepted files are worth, by currency and in the house currency."""
    sums: defaultdict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for one in seen:
        if one.outcome == "Accepted" and one.currency and one.total and one.house_total:
            sums[one.currency][0] += Decimal(one.total)
            sums[one.currency][1] += Decimal(one.house_total)
    rows = []
    for currency, (total, house) in sorted(sums.items()):
        rows.append(Row(currency, f"{total:,.2f}"))
        if currency != "EUR":
            rows.append(Row("in EUR", f"{house:,.2f}", level=1))
    if len(sums) > 1:
        rows.append(Row("all in EUR", f"{sum(house for _, house in sums.values()):,.2f}"))
    return Figures("Accepted, worth", rows)


def money(amount: str | None) -> str:
    """A decimal text for people: thousands apart, rounded half-even to cents."""
    return "?" if amount is None else f"{Decimal(amount):,.2f}"
