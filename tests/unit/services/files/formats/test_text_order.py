"""Reading order of placed lines."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from ironleaf.document import Region
from ironleaf.services.files.formats.text_order import order_lines


@dataclass(frozen=True)
class Line:
    name: str
    region: Region


def line(name: str, x: float, y: float, width: float = 100) -> Line:
    return Line(name, Region(x, y, x + width, y + 10))


def names(lines: list[Line]) -> list[str]:
    return [item.name for item in lines]


def test_the_order_of_the_file_is_kept_if_it_is_one() -> None:
    lines = [line("a", 0, 0), line("b", 0, 20), line("c", 200, 0), line("d", 200, 20), line("head", 0, -30)]
    assert names(order_lines(lines)) == ["a", "b", "c", "d", "head"]


def test_shuffled_columns_are_put_in_order() -> None:
    wanted = [line("title", 0, 0, 300)]
    wanted += [line(f"l{row}", 0, 30 + 15 * row) for row in range(5)]
    wanted += [line(f"r{row}", 200, 30 + 15 * row) for row in range(5)]
    assert names(order_lines(list(reversed(wanted)))) == names(wanted)


regions = st.builds(
    lambda x, y, width, height: Region(x, y, x + width, y + height),
    *[st.floats(0, 2_000, allow_nan=False)] * 2,
    *[st.floats(0, 300, allow_nan=False)] * 2,
)


@given(st.lists(regions, max_size=40))
def test_no_line_is_lost_or_doubled(places: list[Region]) -> None:
    lines = [Line(str(number), place) for number, place in enumerate(places)]
    assert sorted(names(order_lines(lines))) == sorted(names(lines))
