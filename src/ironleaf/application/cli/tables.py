"""Tables for people, as commands print them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

PIPED_COLUMNS: Final = 200
"""Of a table that goes into a pipe: nothing is folded there."""


def make_table(heads: Sequence[str]) -> Table:
    """Return an empty table. The first column names the row and is kept on one line."""
    from rich.table import Table  # noqa: PLC0415  (only commands that print one load it)

    table = Table(box=None, pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold", no_wrap=head == heads[0])
    return table


def print_table(table: Table) -> None:
    """Write it to standard output, as wide as the terminal is."""
    from rich.console import Console  # noqa: PLC0415

    width = None if sys.stdout.isatty() else PIPED_COLUMNS
    Console(markup=False, emoji=False, highlight=False, width=width).print(table)
