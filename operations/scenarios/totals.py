"""What all files of a replay come to: lines, refusals, money; for the report at its end."""

from collections import Counter, defaultdict
from decimal import Decimal

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from operations.scenarios.uploads import UploadOutcome
from workbench.replay.result import shown
from workbench.stages.visible import visible


def print_totals(out: Console, seen: list[UploadOutcome]) -> None:
    """Print how many files and lines had which outcome, and what the accepted ones are worth."""
    if seen:
        out.print(Rule(" Altogether "))
        out.print(Padding(_totals(seen), (0, 2), expand=False))
        _money(out, seen)


def lines_of(seen: UploadOutcome) -> str:
    """Return lines, orders and sums of a file, for people."""
    text = f"{seen.lines_in:,} in, {seen.accepted:,} accepted"
    if seen.refused:
        text += f", {sum(seen.refused.values()):,} refused ({shown(seen.refused)})"
    text += f" · {seen.orders:,} orders · {money(seen.total)} {seen.currency}"
    if seen.currency != "EUR":
        text += f" = {money(seen.house_total)} EUR"
    return text


def _totals(seen: list[UploadOutcome]) -> Table:
    refused: Counter[str] = Counter()
    for one in seen:
        refused.update(one.refused)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_row("files", f"{len(seen):,}")
    outcomes = Counter(one.outcome or "nothing happened" for one in seen)
    for outcome, count in outcomes.most_common():
        table.add_row(Text(f"  {visible(outcome)}"), f"{count:,}")
    table.add_row("lines in", f"{sum(one.lines_in or 0 for one in seen):,}")
    table.add_row("  accepted", f"{sum(one.accepted or 0 for one in seen):,}")
    table.add_row("  refused", f"{sum(refused.values()):,}")
    for reason, count in refused.most_common():
        table.add_row(Text(f"    {visible(reason)}"), f"{count:,}")
    loaded = sum(one.accepted or 0 for one in seen if one.loaded)
    table.add_row("  in the database, of accepted files only", f"{loaded:,}")
    return table


def _money(out: Console, seen: list[UploadOutcome]) -> None:
    """What the accepted files are worth, by currency and in the house currency."""
    sums: defaultdict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for one in seen:
        if one.outcome == "Accepted" and one.currency and one.total and one.house_total:
            sums[one.currency][0] += Decimal(one.total)
            sums[one.currency][1] += Decimal(one.house_total)
    if not sums:
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_column(justify="right")
    table.add_row("accepted files are worth", "", "in EUR")
    for currency, (total, house) in sorted(sums.items()):
        table.add_row("", f"{total:,.2f} {currency}", f"{house:,.2f}")
    table.add_row("altogether", "", f"{sum(house for _, house in sums.values()):,.2f}")
    out.print()
    out.print(Padding(table, (0, 2), expand=False))


def money(amount: str | None) -> str:
    """A decimal text for people: thousands apart, rounded half-even to cents."""
    return "?" if amount is None else f"{Decimal(amount):,.2f}"
