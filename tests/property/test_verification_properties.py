"""Verdicts never raise, are the same twice, and the stream agrees with the whole text."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ironleaf.services.verification import NOTICES, Answer, RepetitionWatch, find_loop, judge

REASONS = {notice.reason for notice in NOTICES}
PIECES = st.sampled_from(
    ["```", "Sure! ", "抱歉", "I'm sorry", "Error: ", "| | |\n", "ha ", "\n", "text ", "{", "image", "ab" * 130]
)
TEXTS = st.one_of(st.text(max_size=300), st.lists(st.one_of(PIECES, st.text(max_size=6)), max_size=60).map("".join))
COUNTS = st.one_of(st.none(), st.integers(-5, 100_000))


@given(
    text=TEXTS,
    finish_reason=st.one_of(st.none(), st.text(max_size=12), st.sampled_from(["stop", "length"])),
    prompt=TEXTS,
    prompt_tokens=COUNTS,
    completion_tokens=COUNTS,
    text_only_tokens=COUNTS,
    max_tokens=COUNTS,
    ink_share=st.one_of(st.none(), st.floats(0, 1)),
    image_sent=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_any_answer_is_judged_the_same_twice_from_the_list(**facts: object) -> None:
    answer = Answer(**facts)  # type: ignore[arg-type]
    verdicts = judge(answer)
    assert judge(answer) == verdicts
    assert {verdict.reason for verdict in verdicts} <= REASONS
    assert len({verdict.reason for verdict in verdicts}) == len(verdicts)


@given(
    start=TEXTS,
    unit=st.text(alphabet="abcdefgh ", min_size=1, max_size=60).filter(str.strip),
    sizes=st.lists(st.integers(1, 90), min_size=1, max_size=20),
)
@settings(max_examples=60, deadline=None)
def test_a_stream_finds_the_loop_that_the_whole_has(start: str, unit: str, sizes: list[int]) -> None:
    text = start + unit * (1_500 // len(unit) + 12)
    assert find_loop(text) is not None
    watch, at, turn, fired = RepetitionWatch(), 0, 0, False
    while at < len(text) and not fired:
        size = sizes[turn % len(sizes)]
        fired = watch.feed(text[at : at + size])
        at, turn = at + size, turn + 1
    assert fired


@given(text=TEXTS, sizes=st.lists(st.integers(1, 90), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_a_stream_fires_only_where_some_beginning_loops(text: str, sizes: list[int]) -> None:
    watch, at, turn = RepetitionWatch(), 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        if watch.feed(text[at : at + size]):
            assert any(find_loop(text[:end]) is not None for end in range(1, len(text) + 1))
            return
        at, turn = at + size, turn + 1
