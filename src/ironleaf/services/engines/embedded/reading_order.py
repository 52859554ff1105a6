"""From lines scattered over a page to rows, columns and paragraphs in the order a person reads. Pure.

Two questions decide everything. *Is this gap a gutter between columns, or the space
between the cells of a row?* Columns of prose are wide, and the text on their left fills
up to the gutter, or their lines do not stand level with each other; the cells of a
receipt or a table do stand level and leave ragged room. *Does a line cross the
gutter?* Then it ends the columns above it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ironleaf.services.engines.embedded.lines import Line

COLUMN_LINES_MIN: Final = 3
"""A column has at least so many lines on each side of its gutter; less is a table or chance."""
PROSE_WIDTH_MIN: Final = 6.0
"""Lines of prose are longer than this many line heights at the median: 6 Han or about 12 Latin characters."""
LONG_PROSE_WIDTH_MIN: Final = 10.0
"""Lines longer than this on both sides are prose even where they stand level and end raggedly."""
LEVEL_SHARE: Final = 0.3
"""Two lines are level when their middles differ by less than this share of their height."""
OFF_LEVEL_MIN: Final = 0.35
"""Share of lines without a level partner that tells columns from a table: chance gives columns half, a table few."""
FILLED_MIN: Final = 0.5
"""Share of a prose column's lines that end near the gutter."""
FILLED_REACH: Final = 0.25
"""Near = within this share of the column's width."""
NUMERIC_MAX: Final = 0.4
"""Share of lines that are mostly digits, beyond which a column belongs to a table or a receipt."""
EDGE_JITTER: Final = 0.5
"""Lines of one column begin within this many line heights of each other."""
SAME_ROW_REACH: Final = 0.5
"""Lines whose middles differ by less than this share of the smaller height stand in one row."""
SAME_ROW_OVERLAP_MAX: Final = 0.3
"""Unless they lie over each other by more than this share of the narrower one."""
PITCH_CHANGE: Final = 1.5
"""A row this much further below the last one than usual begins a paragraph."""
GAP_MAX: Final = 1.5
"""White space above a row, in its heights, that begins a paragraph wherever the usual is unknown."""
SIZE_CHANGE: Final = 1.4
"""A row this much higher or lower than the one before belongs to another paragraph."""
INDENT_MIN: Final = 1.0
"""A first line is indented by at least this many line heights."""
DEPTH_MAX: Final = 24
"""Nesting of columns that is followed; deeper is noise."""


@dataclass(frozen=True, slots=True)
class Row:
    """Lines that stand side by side, from left to right."""

    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)

    @property
    def x0(self) -> float:
        return min(line.level.x0 for line in self.lines)

    @property
    def x1(self) -> float:
        return max(line.level.x1 for line in self.lines)

    @property
    def middle(self) -> float:
        return sum(_middle(line) for line in self.lines) / len(self.lines)

    @property
    def height(self) -> float:
        return max(1.0, median(line.level.height for line in self.lines))


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Rows that belong together."""

    rows: tuple[Row, ...]

    @property
    def text(self) -> str:
        return "\n".join(row.text for row in self.rows)

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(line for row in self.rows for line in row.lines)


def arrange(lines: Sequence[Line]) -> list[Paragraph]:
    """Return the page's paragraphs in reading order; every line appears exactly once."""
    return [paragraph for column in _split_columns(list(lines), depth=0) for paragraph in _group(_make_rows(column))]


@dataclass(frozen=True, slots=True)
class _Split:
    """A way to read: runs of lines, one after the other, and how many lines it puts into columns."""

    runs: list[list[Line]]
    gain: int


def _split_columns(lines: list[Line], *, depth: int) -> list[list[Line]]:
    if len(lines) < 2 * COLUMN_LINES_MIN or depth >= DEPTH_MAX:
        return [lines] if lines else []
    splits = [_try_gutter(lines, gutter_x) for gutter_x in _find_gutters(lines)]
    best = max(splits, key=lambda split: split.gain, default=None)
    if best is None or not best.gain:
        return [lines]
    return [column for run in best.runs for column in _split_columns(run, depth=depth + 1)]


def _find_gutters(lines: list[Line]) -> list[float]:
    """Return the places where a column may begin: the lines' left edges, nearly equal ones once."""
    jitter = _usual_height(lines) * EDGE_JITTER
    found: list[float] = []
    for edge in sorted(line.level.x0 for line in lines):
        if not found or edge - found[-1] > jitter:
            found.append(edge)
    return found[1:]


def _try_gutter(lines: list[Line], gutter_x: float) -> _Split:
    """Read the page as if a column began at ``gutter_x``; lines across it end the columns above them."""
    runs: list[list[Line]] = []
    plain: list[Line] = []
    gain = 0
    for band, barrier in _cut_bands(lines, gutter_x):
        left = [line for line in band if line.level.x0 < gutter_x]
        right = [line for line in band if line.level.x0 >= gutter_x]
        if _are_columns(left, right):
            runs.extend(run for run in (plain, left, right) if run)
            plain = []
            gain += len(band)
        else:
            plain.extend(band)
        plain.extend(barrier)
    if plain:
        runs.append(plain)
    return _Split(runs, gain)


def _cut_bands(lines: list[Line], gutter_x: float) -> Iterator[tuple[list[Line], list[Line]]]:
    """Yield stretches of lines beside the gutter, each with the line that crosses it and so ends the stretch."""
    reach = _usual_height(lines) * EDGE_JITTER
    band: list[Line] = []
    for line in sorted(lines, key=_middle):
        if line.level.x0 < gutter_x < line.level.x1 - reach:
            yield band, [line]
            band = []
        else:
            band.append(line)
    yield band, []


def _are_columns(left: list[Line], right: list[Line]) -> bool:
    """Tell columns of prose from the cells of a table or receipt."""
    if not left or not right:
        return False
    top = max(min(_middle(line) for line in side) for side in (left, right))
    bottom = min(max(_middle(line) for line in side) for side in (left, right))
    left, right = ([line for line in side if top <= _middle(line) <= bottom] for side in (left, right))
    if min(len(left), len(right)) < COLUMN_LINES_MIN:
        return False
    narrower = min(_usual_width(left), _usual_width(right))
    if narrower < PROSE_WIDTH_MIN or max(_share_numeric(left), _share_numeric(right)) > NUMERIC_MAX:
        return False
    if narrower >= LONG_PROSE_WIDTH_MIN:
        return True
    return _share_off_level(left, right) >= OFF_LEVEL_MIN or _share_filled(left) >= FILLED_MIN


def _share_off_level(left: list[Line], right: list[Line]) -> float:
    few, many = sorted((left, right), key=len)
    many = sorted(many, key=_middle)
    middles = [_middle(line) for line in many]
    return sum(not _has_level(line, many, middles) for line in few) / len(few)


def _has_level(line: Line, others: list[Line], middles: list[float]) -> bool:
    place = bisect_left(middles, _middle(line))
    nearest = others[max(0, place - 1) : place + 1]
    reach = LEVEL_SHARE * line.level.height
    return any(abs(_middle(line) - _middle(other)) < min(reach, LEVEL_SHARE * other.level.height) for other in nearest)


def _share_filled(column: list[Line]) -> float:
    edge = max(line.level.x1 for line in column)
    reach = FILLED_REACH * (edge - min(line.level.x0 for line in column))
    return sum(line.level.x1 >= edge - reach for line in column) / len(column)


def _share_numeric(lines: list[Line]) -> float:
    return sum(is_numeric(line.text) for line in lines) / len(lines)


def is_numeric(text: str) -> bool:
    """Tell whether at least half of the letters and digits are digits."""
    marks = [character for character in text if character.isalnum()]
    return bool(marks) and 2 * sum(character.isdigit() for character in marks) >= len(marks)


def _make_rows(lines: list[Line]) -> list[Row]:
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (_middle(line), line.level.x0)):
        if rows and _fits_row(line, rows[-1]):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [Row(tuple(sorted(row, key=lambda line: line.level.x0))) for row in rows]


def _fits_row(line: Line, row: list[Line]) -> bool:
    middle = sum(_middle(other) for other in row) / len(row)
    height = min(line.level.height, median(other.level.height for other in row))
    return abs(_middle(line) - middle) < SAME_ROW_REACH * height and not any(_overlap(line, other) for other in row)


def _overlap(one: Line, other: Line) -> bool:
    shared = min(one.level.x1, other.level.x1) - max(one.level.x0, other.level.x0)
    return shared > SAME_ROW_OVERLAP_MAX * min(one.level.width, other.level.width)


def _group(rows: list[Row]) -> list[Paragraph]:
    if not rows:
        return []
    pitches = [below.middle - above.middle for above, below in pairwise(rows)]
    usual = median(pitches) if len(pitches) >= COLUMN_LINES_MIN else None
    left = min(row.x0 for row in rows)
    groups = [[rows[0]]]
    for above, below in pairwise(rows):
        if _begins_paragraph(above, below, usual_pitch=usual, left=left):
            groups.append([below])
        else:
            groups[-1].append(below)
    return [Paragraph(tuple(group)) for group in groups]


def _begins_paragraph(above: Row, below: Row, *, usual_pitch: float | None, left: float) -> bool:
    if len(above.lines) > 1 or len(below.lines) > 1:
        return True
    height = min(above.height, below.height)
    pitch = below.middle - above.middle
    if pitch > height + GAP_MAX * height or (usual_pitch is not None and pitch > PITCH_CHANGE * usual_pitch):
        return True
    if max(above.height, below.height) > SIZE_CHANGE * height:
        return True
    apart = below.x0 >= above.x1 or below.x1 <= above.x0
    indented = below.x0 - INDENT_MIN * height > max(left, above.x0)
    return apart or indented


def _middle(line: Line) -> float:
    return (line.level.y0 + line.level.y1) / 2


def _usual_height(lines: list[Line]) -> float:
    return median(line.level.height for line in lines)


def _usual_width(lines: list[Line]) -> float:
    return median(line.level.width / max(1.0, line.level.height) for line in lines)
