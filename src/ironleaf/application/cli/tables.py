"""Tables for people, as commands print them: at 60 columns as well as at 200, in either language."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from ironleaf.application.cli.exits import say
from ironleaf.foundation.errors import Text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ironleaf.foundation.errors import Language

PIPED_COLUMNS: Final = 200
"""Of a table that goes into a pipe: nothing is folded there."""
FOLDED_COLUMNS: Final = 24
"""Of a column that may be folded, before others are left out for it: the longest reasons are no longer."""
FOLDED_COLUMNS_MIN: Final = 10
"""Where nothing more can be left out: narrower, a word becomes a staircase."""
GAP_COLUMNS: Final = 2
"""Between two columns."""

_LEFT_OUT: Final = Text(
    en="Not shown for want of room: {}. A wider terminal shows it all.",
    zh="因终端宽度不足，未显示：{}。加宽终端后可查看全部内容。",
)
_COMMA: Final = Text(en=", ", zh="、")


def print_rows(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    language: Language,
    folds: Collection[int] = (),
    spare: Sequence[int] = (),
    marks: Sequence[str] = (),
) -> None:
    """Write a table to standard output, no wider than the terminal.

    ``folds`` are the places of columns whose words may go on in the next line; all others keep theirs on one.
    ``spare`` are those that are left out where there is no room for all, the first one first: what is
    left out is named on standard error. ``marks`` is a style for each row's first cell.
    """
    from rich.console import Console  # noqa: PLC0415  (only commands that print a table load it)
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text as Cell  # noqa: PLC0415

    told = sys.stdout.isatty() or "COLUMNS" in os.environ
    console = Console(markup=False, emoji=False, highlight=False, width=None if told else PIPED_COLUMNS)
    shown = choose_columns(_measure(heads, rows, folds, FOLDED_COLUMNS), spare, console.width)
    least = _sum_up(_measure(heads, rows, folds, FOLDED_COLUMNS_MIN), shown)
    tight = least > console.width  # then anything may be folded: cut off, it would be lost
    table = Table(box=None, pad_edge=False)
    for place in shown:
        table.add_column(heads[place], overflow="fold", no_wrap=not tight and place not in folds)
    for number, row in enumerate(rows):
        style = marks[number] if marks else ""
        table.add_row(*(Cell(row[place], style=style if place == 0 else "") for place in shown))
    console.print(table)
    left_out = [heads[place] for place in range(len(heads)) if place not in shown]
    if left_out:
        say(_LEFT_OUT.in_language(language).format(_COMMA.in_language(language).join(left_out)))


def choose_columns(widths: Sequence[int], spare: Sequence[int], room: int) -> list[int]:
    """Return the places of the columns that fit into so many characters, or all that nobody can spare."""
    shown, leaving = list(range(len(widths))), list(spare)
    while leaving and _sum_up(widths, shown) > room:
        shown.remove(leaving.pop(0))
    return shown


def _sum_up(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[place] for place in shown) + GAP_COLUMNS * (len(shown) - 1)


def _measure(heads: Sequence[str], rows: Sequence[Sequence[str]], folds: Collection[int], folded: int) -> list[int]:
    """Return how wide each column has to be; a Chinese character takes two."""
    from rich.cells import cell_len  # noqa: PLC0415

    natural = [max(map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    return [min(width, folded) if place in folds else width for place, width in enumerate(natural)]
