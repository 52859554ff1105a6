"""Script and grade: what the engine says about its own reading."""

from __future__ import annotations

import pytest

from ironleaf.document import Grade, Region
from ironleaf.services.engines.embedded.grading import grade_confidence
from ironleaf.services.engines.embedded.handler import make_result
from ironleaf.services.engines.embedded.lines import Line
from ironleaf.services.engines.embedded.pipeline import PageReading
from ironleaf.services.engines.embedded.script import guess_language, is_unsupported, measure_leftover


def line(text: str, *, unread: float = 0.0, y0: float = 0, width: float = 400, confidence: float = 0.99) -> Line:
    region = Region(0, y0, width, y0 + 20)
    return Line(text=text, confidence=confidence, unread=unread, region=region, level=region)


def page(*lines: Line, turn_deg: int = 0, left_out: bool = False) -> PageReading:
    return PageReading(lines=lines, width_px=500, height_px=700, turn_deg=turn_deg, left_out=left_out)


def test_left_over_ink_means_an_unknown_script() -> None:
    assert is_unsupported([line(".", unread=0.97), line("", unread=1.0)])
    assert is_unsupported([line("Windows 11"), line("py6.", unread=0.5)])


def test_a_stamp_or_an_ornament_does_not() -> None:
    assert not is_unsupported([line("", unread=1.0, width=50)])
    assert not is_unsupported([line("text")] * 20 + [line("", unread=1.0, width=80)])


def test_a_hint_makes_it_stricter() -> None:
    lines = [line("text")] * 9 + [line("", unread=1.0)]
    assert not is_unsupported(lines)
    assert not is_unsupported(lines, languages=("en", "zh-Hans"))
    assert is_unsupported(lines, languages=("ru-RU",))


def test_greek_is_half_known_and_so_unsupported() -> None:
    assert is_unsupported([line("ι ειδικο συνιστον προσχ στου πλτε")])
    assert not is_unsupported([line("the angle α between them is π over two")])


def test_leftover_is_weighed_by_length() -> None:
    assert measure_leftover([line("a", width=300), line("", unread=1.0, width=100)]) == pytest.approx(0.25)
    assert measure_leftover([]) == 0.0


@pytest.mark.parametrize(
    ("text", "language"), [("会议纪要", "zh"), ("今日はとても", "ja"), ("Good morning", None), ("", None)]
)
def test_language(text: str, language: str | None) -> None:
    assert guess_language([line(text)]) == language


@pytest.mark.parametrize(
    ("confidence", "grade"),
    [(1.0, Grade.EXCELLENT), (0.95, Grade.GOOD), (0.9, Grade.FAIR), (0.5, Grade.POOR), (None, Grade.POOR)],
)
def test_grade(confidence: float | None, grade: Grade) -> None:
    assert grade_confidence(confidence) is grade


def test_an_unknown_script_is_poor_whatever_the_confidence() -> None:
    assert grade_confidence(1.0, warnings=("script-not-supported",)) is Grade.POOR


def test_unknown_script_keeps_its_text_and_says_so() -> None:
    result = make_result(page(line(". ,", unread=0.95, confidence=0.4)), score_min=0.5)
    assert result.text == ". ,"
    assert result.warnings == ("script-not-supported",)
    assert result.confidence is not None
    assert result.confidence < 0.1


def test_noise_is_dropped_from_known_scripts() -> None:
    result = make_result(
        page(line("A line that reads well"), line("~;", confidence=0.3, y0=60, width=20)), score_min=0.5
    )
    assert result.text == "A line that reads well"
    assert result.warnings == ()
    assert result.confidence == 0.99


def test_doubtful_turned_and_overfull_pages_say_so() -> None:
    result = make_result(page(line("blurred words", confidence=0.7), turn_deg=180, left_out=True), score_min=0.5)
    assert result.warnings == ("low-confidence", "rotation-corrected", "lines-left-out")
    assert result.rotation_deg == 180


def test_an_empty_page_has_no_confidence() -> None:
    result = make_result(page(), score_min=0.5)
    assert (result.text, result.blocks, result.confidence, result.warnings) == ("", (), None, ())


def test_paragraphs_stand_apart_and_single_lines_do_not() -> None:
    rows = [line("Heading", y0=0), line("one", y0=80), line("two", y0=106), line("three", y0=132), line("Foot", y0=240)]
    result = make_result(page(*rows), score_min=0.5)
    assert result.text == "Heading\n\none\ntwo\nthree\n\nFoot"
    assert [block.kind.value for block in result.blocks] == ["line", "paragraph", "line"]
    assert result.blocks[1].region == Region(0, 80, 400, 152)
