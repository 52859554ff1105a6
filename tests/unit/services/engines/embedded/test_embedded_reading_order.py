"""Reading order: columns are read one after the other, rows stay rows, nothing is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ironleaf.document import Region
from ironleaf.services.engines.embedded.lines import Line
from ironleaf.services.engines.embedded.reading_order import arrange, is_numeric


def line(text: str, x0: float, y0: float, *, width: float, height: float = 20) -> Line:
    region = Region(x0, y0, x0 + width, y0 + height)
    return Line(text=text, confidence=1.0, region=region, level=region)


def texts(lines: list[Line]) -> list[str]:
    return [row.text for paragraph in arrange(lines) for row in paragraph.rows]


def column(name: str, x0: float, *, count: int = 8, top: float = 100, width: float = 300) -> list[Line]:
    return [line(text, x0, top + 26 * number, width=width) for number, text in enumerate(words(name, count))]


def words(name: str, count: int = 8) -> list[str]:
    return [f"{name} line {number}" for number in range(count)]


def test_two_columns_are_read_one_after_the_other() -> None:
    left, right = column("l", 50), column("r", 400, top=111)
    assert texts([*right, *left]) == words("l") + words("r")


def test_columns_on_one_grid_are_columns_too() -> None:
    left, right = column("l", 50), column("r", 400)
    assert texts([*left, *right]) == words("l") + words("r")


def test_three_columns() -> None:
    page = [*column("a", 50, width=200), *column("b", 300, width=200), *column("c", 550, width=200)]
    assert texts(page) == words("a") + words("b") + words("c")


def test_a_heading_across_ends_the_columns_above_it() -> None:
    upper = [*column("a", 50, count=4), *column("b", 400, count=4)]
    heading = line("HEADING", 50, 230, width=650, height=30)
    lower = [*column("c", 50, count=4, top=300), *column("d", 400, count=4, top=300)]
    order = texts([*lower, heading, *upper])
    assert order == [*words("a", 4), *words("b", 4), "HEADING", *words("c", 4), *words("d", 4)]


def test_rows_of_a_receipt_stay_rows() -> None:
    items = [line(f"item number {n}", 50, 100 + 26 * n, width=200 - 12 * n) for n in range(6)]
    prices = [line(f"{n}.95", 400, 102 + 26 * n, width=50) for n in range(6)]
    assert texts([*prices, *items]) == [f"item number {n} {n}.95" for n in range(6)]


def test_rows_of_a_table_of_words_stay_rows() -> None:
    names = [line(f"name{n}", 50, 100 + 26 * n, width=60 + 10 * (n % 3)) for n in range(6)]
    towns = [line(f"town{n}", 250, 100 + 26 * n, width=70) for n in range(6)]
    assert texts([*names, *towns]) == [f"name{n} town{n}" for n in range(6)]


def test_a_larger_gap_begins_a_paragraph() -> None:
    page = [*column("a", 50, count=4), *column("b", 50, count=4, top=260)]
    assert [paragraph.text for paragraph in arrange(page)] == ["\n".join(words("a", 4)), "\n".join(words("b", 4))]


def test_an_indented_line_begins_a_paragraph() -> None:
    page = [*column("a", 50, count=3), line("indented", 90, 178, width=260), *column("c", 50, count=2, top=204)]
    assert [paragraph.text for paragraph in arrange(page)] == [
        "\n".join(words("a", 3)),
        "\n".join(["indented", *words("c", 2)]),
    ]


def test_nothing_gives_nothing() -> None:
    assert arrange([]) == []


def test_numbers_are_told_from_words() -> None:
    assert is_numeric("$ 1,299.00")
    assert is_numeric("36.07-")
    assert not is_numeric("Oat milk 1 l")
    assert not is_numeric("—")


places = st.tuples(
    st.floats(0, 2000), st.floats(0, 3000), st.floats(0.5, 1500), st.floats(0.5, 120), st.sampled_from(["7.50", "word"])
)


@given(st.lists(places, max_size=60))
def test_every_line_appears_exactly_once(found: list[tuple[float, float, float, float, str]]) -> None:
    page = [line(text, x, y, width=width, height=height) for x, y, width, height, text in found]
    arranged = [part for paragraph in arrange(page) for part in paragraph.lines]
    assert sorted(map(id, arranged)) == sorted(map(id, page))
