"""What a replay prints: a line for each scenario as it ends, a closing report, a verdict."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from workbench.application.interface import application
from workbench.replay.figures import print_figures
from workbench.replay.result import Result
from workbench.replay.session import Session
from workbench.stages.stage import PROJECT
from workbench.stages.visible import say, visible

TYPICAL = 5  # ways in a closing report
MOST_DIFFERENCES = 12
PLAIN_WIDTH = 110  # columns where there is no terminal to ask


def console() -> Console:
    """Where people read: standard output, colours only on a terminal."""
    return Console(
        width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False, soft_wrap=False
    )


def opening(session: Session, count: int) -> None:
    """Say what is about to be replayed, and what cannot be checked on this stage."""
    stage = session.deployed.stage
    say(f"Replaying {count} scenario{'' if count == 1 else 's'} on stage {stage.name} …")
    for each in session.not_checked():
        say(f"  not checked: {each}")
    sys.stdout.flush()


def progress(result: Result) -> None:
    """One line for a scenario that has ended, and one for each difference and what explains it."""
    line = Text("  ")
    line.append("OK     " if result.as_expected else "DIFFERS", _style(result))
    line.append(f" {result.scenario.name:<45} {visible(result.rule):<29} ")
    line.append(visible(result.outcome), _colour(result.outcome))
    line.append(f"  {result.seconds:.1f} s", "dim")
    out = console()
    out.print(line, overflow="ignore", no_wrap=True, crop=False)
    for difference in result.differences:
        out.print(Text(f"          {visible(difference)}", "red"), overflow="fold")
    for each in result.why:
        out.print(Text(f"          {visible(each)}"), overflow="ignore", no_wrap=True, crop=False)
    sys.stdout.flush()


def verdict(results: list[Result]) -> int:
    """Print the last line; 1 when anything differs."""
    expected = sum(result.as_expected for result in results)
    differ = len(results) - expected
    say(f"replayed {len(results)}, as expected {expected}, differ {differ}")
    return 1 if differ else 0


def closing(session: Session, results: list[Result], seconds: float, *, full: bool = False) -> None:
    """Print the report at the end of a demo: typical ways, what differs, totals, where to look.

    It is at most 60 lines long where nothing differs; `full` prints every way instead.
    """
    out, stage = console(), session.deployed.stage
    observed = [result for result in results if result.seen is not None]
    out.print()
    out.print(Rule(f" {PROJECT} · stage {stage.name} · what happened in {seconds:.0f} s "))
    if full:
        for result in sorted(observed, key=lambda one: one.seconds):
            _block(out, result, session.details(result))
        _others(out, [result for result in results if result not in observed])
    else:
        _typical(out, session, observed)
        _differing(out, results)
    if observed and (totals := session.totals(observed)):
        out.print()
        out.print(Rule(" Altogether "))
        print_figures(out, totals)
    _where_next(out, session, observed)


def typical(results: Sequence[Result], count: int = TYPICAL) -> list[tuple[Result, int]]:
    """Return results that stand for most others, and for how many: those of a rule and an outcome.

    Each outcome comes before a second rule of one; the quickest stands for its like.
    """
    alike: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        alike.setdefault((result.outcome, result.rule), []).append(result)
    largest = sorted(alike.values(), key=len, reverse=True)
    outcomes = {group[0].outcome: group for group in reversed(largest)}
    first = [group for group in largest if outcomes[group[0].outcome] is group]
    chosen = (first + [group for group in largest if group not in first])[:count]
    return [(min(group, key=lambda one: one.seconds), len(group)) for group in chosen]


def _typical(out: Console, session: Session, results: Sequence[Result]) -> None:
    for result, count in typical([one for one in results if one.as_expected]):
        _block(out, result, session.details(result), like_it=count - 1)


def _differing(out: Console, results: Sequence[Result]) -> None:
    """Print what differs, a line for each difference; of many, the first ones."""
    lines = [
        f"{result.scenario.name}: {difference}"
        for result in results
        for difference in result.differences
    ]
    if not lines:
        return
    out.print()
    out.print(Rule(" What differs "))
    for line in lines[:MOST_DIFFERENCES]:
        out.print(Padding(Text(visible(line), "red"), (0, 2), expand=False))
    if len(lines) > MOST_DIFFERENCES:
        out.print(f"  and {len(lines) - MOST_DIFFERENCES} more; the page has all")


def _block(out: Console, result: Result, details: list[tuple[str, str]], like_it: int = 0) -> None:
    title = Text()
    title.append(visible(result.scenario.title), "bold")
    title.append("  →  ")
    title.append(visible(result.outcome), f"bold {_colour(result.outcome) or 'red'}")
    title.append(f"  {result.seconds:.1f} s", "dim")
    if like_it:
        title.append(f"  and {like_it} more like it", "dim")
    if not result.as_expected:
        title.append("  DIFFERS", "bold red")
    out.print()
    out.print(Padding(title, (0, 2), expand=False))
    rows = [("rule", result.rule), ("path", result.path), *details]
    rows += [("differs", difference) for difference in result.differences]
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(visible(value), "red" if name == "differs" else ""))
    out.print(Padding(table, (0, 4), expand=False))


def _others(out: Console, results: list[Result]) -> None:
    """Print everything of which only the rules were asked, a line each."""
    if not results:
        return
    out.print()
    table = Table(box=None, padding=(0, 2), title="Also", title_justify="left")
    for name in ("event", "taken by", "came of it"):
        table.add_column(name, overflow="fold")
    for result in results:
        table.add_row(
            Text(visible(result.scenario.title)),
            Text(visible(result.rule), "dim" if result.rule == "none" else ""),
            Text(visible(result.outcome if result.as_expected else "; ".join(result.differences))),
        )
    out.print(table)


def _where_next(out: Console, session: Session, results: list[Result]) -> None:
    stage = session.deployed.stage
    which = "" if stage.is_local else f" STAGE={stage.name}"
    hints = [
        (f"make status{which}", "what runs, and how the local cloud differs from AWS"),
        (f"make watch{which}", "on each save: check, deploy what changed, replay"),
        (f"make view{which}", "a page that follows each execution as it moves"),
        (f"make history{which}", "what a workflow did, state by state"),
        (f"make logs{which}", "what the functions say"),
        ("events/", "what was replayed, each with its expected outcome"),
        ("make demo FULL=1", "this report with every way"),
        *session.hints(results),
    ]
    out.print()
    out.print(Rule(" Where to look next "))
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, what in hints:
        table.add_row(Text(name), Text(what))
    out.print(Padding(table, (0, 2), expand=False))
    out.print()


def _style(result: Result) -> str:
    return "green" if result.as_expected else "bold red"


def _colour(outcome: str) -> str:
    return application().colours.get(outcome, "green" if outcome == "SUCCEEDED" else "")
