"""Tables of figures that a replay comes to: the application's, for its report and its page."""

from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from workbench.stages.visible import visible


class Row(msgspec.Struct, frozen=True):
    """A line of a table of figures; `level` says how far it is indented."""

    label: str
    value: str
    level: int = 0


class Figures(msgspec.Struct, frozen=True):
    """A table of figures with its title; `bars` where its numbers are to be compared."""

    title: str
    rows: Sequence[Row]
    bars: bool = False


def print_figures(out: Console, tables: Sequence[Figures]) -> None:
    """Print tables of figures beside each other."""
    beside = Table.grid(padding=(0, 4))
    beside.add_row(*map(_table, tables))
    out.print(Padding(beside, (0, 2), expand=False))


def _table(figures: Figures) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_row(Text(visible(figures.title), "bold"), "")
    for row in figures.rows:
        label = Text("  " * row.level + visible(row.label), "dim")
        table.add_row(label, Text(visible(row.value)))
    return table
