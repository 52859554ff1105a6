"""Tables are no wider than the terminal, whole in what they show, and say what they leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ironleaf.application.cli.tables import GAP_COLUMNS, choose_columns, print_rows

if TYPE_CHECKING:
    from ironleaf.foundation.errors import Language

MOMENT: Final = "2026-11-24 18:57"
HEADS: Final[dict[Language, tuple[str, ...]]] = {
    "en": ("id", "name", "state", "made", "expires"),
    "zh": ("编号", "名称", "状态", "创建时间", "到期时间"),
}
ROWS: Final = (
    ("2j4z6tf5jv", "Ada Lovelace", "active", MOMENT, MOMENT),
    ("hcvhe0sd3d", "财务部门的共享密钥，请勿外传", "有效", MOMENT, MOMENT),
)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("room", [60, 80, 200])
def test_a_table_fits_and_folds_no_date(
    language: Language, room: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(room))
    print_rows(HEADS[language], ROWS, language=language, folds=(1,), spare=(3,))
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert max(map(cell_len, lines)) <= room
    assert sum(line.count(MOMENT) for line in lines) == (2 if room == 60 else 4)
    assert "\N{HORIZONTAL ELLIPSIS}" not in told.out
    assert (HEADS[language][3] in told.err) == (room == 60), "what is left out is named"
    assert "财务部门" in told.out


def test_nothing_is_cut_off_where_nothing_can_be_spared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    print_rows(HEADS["en"], ROWS, language="en")
    told = capsys.readouterr().out
    letters = [letter for letter in "".join(told.split()) if letter.isdigit()]
    assert len(letters) == sum(letter.isdigit() for row in ROWS for cell in row for letter in cell)


def test_what_goes_into_a_pipe_is_whole(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    print_rows(HEADS["en"], ROWS, language="en", folds=(1,), spare=(3, 4))
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 1 + len(ROWS)
    assert told.err == ""


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.integers(1, 200), st.data())
def test_columns_leave_in_their_order_and_no_more_than_need_be(
    widths: list[int], room: int, data: st.DataObject
) -> None:
    spare = data.draw(st.permutations(range(len(widths))))[: len(widths) // 2]
    shown = choose_columns(widths, spare, room)
    left = [place for place in spare if place not in shown]
    assert left == spare[: len(left)]
    assert shown == sorted(set(range(len(widths))) - set(left))

    def needs(places: list[int]) -> int:
        return sum(widths[place] for place in places) + GAP_COLUMNS * (len(places) - 1)

    assert needs(shown) <= room or len(left) == len(spare)
    assert not left or needs([*shown, left[-1]]) > room
