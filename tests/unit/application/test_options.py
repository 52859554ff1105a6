"""Options are read strictly, and a caller's words never come back."""

from __future__ import annotations

import pytest

from ironleaf.application.options import ConvertOptions, EngineChoice, OutputFormat, PageRange, parse_options
from ironleaf.foundation.errors import Unit, ValidationProblem, make_problem

CANARY = "CANARY<script>"


def refused(**fields: str) -> ValidationProblem:
    with pytest.raises(ValidationProblem) as caught:
        parse_options(fields)
    return caught.value


def test_nothing_gives_the_defaults() -> None:
    assert parse_options({}) == ConvertOptions()
    assert parse_options({"prompt": "", "page_range": ""}) == ConvertOptions()


def test_everything_at_once() -> None:
    options = parse_options(
        {
            "output_format": "html",
            "engine": "vl",
            "page_range": "1-3, 8",
            "languages": "en,zh-Hans",
            "timeout_s": "300",
            "prompt": "Read it.",
            "password": "x",
            "force_ocr": "true",
            "include_images": "0",
        }
    )
    assert options.output_format is OutputFormat.HTML
    assert options.engine is EngineChoice.VL
    assert options.page_range == PageRange(((1, 3), (8, 8)))
    assert options.languages == ("en", "zh-Hans")
    assert (options.timeout_s, options.force_ocr, options.include_images) == (300, True, False)
    assert "x" not in repr(options).replace("text", "").replace("max", "")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("output_format", CANARY),
        ("engine", "VL"),
        ("page_range", "0-2"),
        ("page_range", "5-2"),
        ("page_range", "1,,2"),
        ("page_range", "1-" + "9" * 30),
        ("languages", CANARY),
        ("timeout_s", "0"),
        ("timeout_s", "301"),
        ("timeout_s", "1.5"),
        ("timeout_s", "٣"),
        ("force_ocr", "yes"),
        ("password", "p" * 128),
    ],
)
def test_a_wrong_value_names_the_field_and_not_the_value(field: str, value: str) -> None:
    error = refused(**{field: value})
    problem = make_problem(error.entry, details=error.details)
    assert problem.reason == "bad-option"
    assert [detail.field for detail in problem.details] == [field]
    assert CANARY not in repr(problem)


def test_an_unknown_name_lists_ours_and_echoes_nothing() -> None:
    error = refused(**{CANARY: "1"})
    assert error.entry.reason == "unknown-option"
    assert "page_range" in (error.details[0].allowed or ())
    assert CANARY not in repr(make_problem(error.entry, details=error.details))


def test_a_long_prompt_says_the_limit_and_the_number_seen() -> None:
    detail = refused(prompt="x" * 4001).details[0]
    assert (detail.limit, detail.actual, detail.unit) == (4000, 4001, Unit.CHARACTERS)


def test_several_faults_are_told_together() -> None:
    error = refused(engine="x", force_ocr="x")
    assert {detail.field for detail in error.details} == {"engine", "force_ocr"}


def test_a_prompt_needs_an_engine_that_takes_one() -> None:
    assert refused(prompt="Read it.", engine="embedded").details[0].field == "engine"


def test_a_range_keeps_inside_the_file_and_counts_each_page_once() -> None:
    assert PageRange(((3, 5), (1, 3), (9, 9))).select(4) == (1, 2, 3, 4)
    assert PageRange(((9, 9),)).select(4) == ()
