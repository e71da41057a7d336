"""What a replay tells people: a line for each situation as it ends, a closing report, a verdict."""

import sys
from collections import Counter, defaultdict
from decimal import Decimal

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from operations.database.connection import Database
from workbench.replay.result import Result, shown
from workbench.replay.situations import Upload, UploadOutcome
from workbench.stages.stage import Stage
from workbench.stages.visible import say, visible

PLAIN_WIDTH = 110  # columns where there is no terminal to ask
STYLES = {"Accepted": "green", "Rejected": "yellow", "Declined": "yellow", "Duplicate": "cyan"}


def console() -> Console:
    """Where people read: standard output, colours only on a terminal."""
    return Console(
        width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False, soft_wrap=False
    )


def opening(stage: Stage, count: int, database: Database) -> None:
    """Say what is about to be replayed, and what cannot be checked on this stage."""
    say(f"Replaying {count} situation{'' if count == 1 else 's'} on stage {stage.name} …")
    if database.unreachable:
        say(f"  not checked: the rows in the database, because {database.unreachable}")
    sys.stdout.flush()


def progress(result: Result) -> None:
    """One line for a situation that has ended, and one for each difference."""
    line = Text("  ")
    line.append("OK     " if result.as_expected else "DIFFERS", _style(result))
    line.append(f" {result.situation.name:<45} {visible(result.rule):<29} ")
    line.append(visible(result.outcome), STYLES.get(result.outcome, ""))
    line.append(f"  {result.seconds:.1f} s", "dim")
    out = console()
    out.print(line, overflow="ignore", no_wrap=True, crop=False)
    for difference in result.differences:
        out.print(Text(f"          {visible(difference)}", "red"), overflow="fold")
    sys.stdout.flush()


def verdict(results: list[Result]) -> int:
    """Print the last line; 1 when anything differs."""
    expected = sum(result.as_expected for result in results)
    differ = len(results) - expected
    say(f"replayed {len(results)}, as expected {expected}, differ {differ}")
    return 1 if differ else 0


def closing(stage: Stage, bucket: str, results: list[Result], seconds: float) -> None:
    """The report at the end of a demo: every file's way, the sums, and where to look next."""
    out = console()
    out.print()
    out.print(Rule(f" Order intake · stage {stage.name} · what happened in {seconds:.0f} s "))
    uploads = [result for result in results if isinstance(result.situation, Upload)]
    for result in sorted(uploads, key=lambda one: one.seconds):
        _upload_block(out, result)
    _others(out, [result for result in results if result not in uploads])
    seen = [result.seen for result in uploads if result.seen is not None]
    if seen:
        out.print(Rule(" Altogether "))
        out.print(Padding(_totals(seen), (0, 2), expand=False))
        _money(out, seen)
    _where_next(out, stage, bucket, uploads)


def _upload_block(out: Console, result: Result) -> None:
    title = Text()
    title.append(visible(result.came_in), "bold")
    title.append("  →  ")
    title.append(visible(result.outcome), f"bold {STYLES.get(result.outcome, 'red')}")
    title.append(f"  {result.seconds:.1f} s", "dim")
    if not result.as_expected:
        title.append("  DIFFERS", "bold red")
    out.print()
    out.print(Padding(title, (0, 2), expand=False))
    rows = [("rule", result.rule), ("path", result.path)]
    if result.seen and result.seen.lines_in is not None:
        rows.append(("lines", _lines(result.seen)))
    if result.seen and result.seen.reason:
        rows.append(("reason", result.seen.reason))
    rows += [("differs", difference) for difference in result.differences]
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(visible(value), "red" if name == "differs" else ""))
    out.print(Padding(table, (0, 4), expand=False))


def _lines(seen: UploadOutcome) -> str:
    told = f"{seen.lines_in:,} in, {seen.accepted:,} accepted"
    if seen.refused:
        told += f", {sum(seen.refused.values()):,} refused ({shown(seen.refused)})"
    told += f" · {seen.orders:,} orders · {money(seen.total)} {seen.currency}"
    if seen.currency != "EUR":
        told += f" = {money(seen.house_total)} EUR"
    return told


def _others(out: Console, results: list[Result]) -> None:
    """Everything that was no upload, a line each."""
    if not results:
        return
    out.print()
    table = Table(box=None, padding=(0, 2), title="Also", title_justify="left")
    for name in ("event", "taken by", "came of it"):
        table.add_column(name, overflow="fold")
    for result in results:
        table.add_row(
            Text(visible(result.came_in)),
            Text(visible(result.rule), "dim" if result.rule == "none" else ""),
            Text(visible(result.outcome if result.as_expected else "; ".join(result.differences))),
        )
    out.print(table)


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


def _where_next(out: Console, stage: Stage, bucket: str, uploads: list[Result]) -> None:
    which = "" if stage.is_local else f" STAGE={stage.name}"
    hints = [
        (f"make status{which}", "what runs, and how the local cloud differs from AWS"),
        (f"make logs{which}", "what the functions say"),
        (f"make psql{which}", "the loaded orders: SELECT * FROM order_file;"),
        (f"make send{which} FILE=… PARTNER=…", "a file of your own"),
        (f"make approve{which} FILE_ID=… DECISION=…", "decide about a file that waits"),
        ("events/", "what was replayed, each with its expected outcome"),
    ]
    curated = [one for one in uploads if one.seen and one.seen.curated_lines and one.file_id]
    if curated:
        biggest = max(curated, key=lambda one: one.seen.curated_lines if one.seen else 0)
        partner = visible(biggest.came_in.split("/")[0])
        hints.append((f"curated/{partner}/{biggest.file_id}/", f"priced lines, in {bucket}"))
    out.print()
    out.print(Rule(" Where to look next "))
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, what in hints:
        table.add_row(Text(name), Text(what))
    out.print(Padding(table, (0, 2), expand=False))
    out.print()


def money(amount: str | None) -> str:
    """A decimal text for people: thousands apart, rounded half-even to cents."""
    return "?" if amount is None else f"{Decimal(amount):,.2f}"


def _style(result: Result) -> str:
    return "green" if result.as_expected else "bold red"
