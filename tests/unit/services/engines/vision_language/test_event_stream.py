from __future__ import annotations

import orjson
import pytest

from ironleaf.services.engines.vision_language.stream import EVENT_BYTES_MAX, Accumulator, Event, EventParser
from ironleaf.services.engines.vision_language.trouble import AnswerUnusable, Trouble


def parse(*chunks: bytes) -> list[Event]:
    parser = EventParser()
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return events + parser.finish()


def delta(text: str | None = None, finish: str | None = None, **rest: object) -> Event:
    choice = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish}
    return Event("", orjson.dumps({"choices": [choice], **rest}).decode())


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_all_line_ends_are_taken(end: bytes) -> None:
    assert parse(b"data: a" + end + end + b"data:b" + end + end) == [Event("", "a"), Event("", "b")]


def test_a_line_end_cut_in_two_is_one() -> None:
    assert parse(b"data: a\r", b"\n\r", b"\ndata: b\r\n\r\n") == [Event("", "a"), Event("", "b")]


def test_a_character_cut_in_two_is_one() -> None:
    raw = "data: 页面\n\n".encode()
    assert parse(raw[:8], raw[8:10], raw[10:]) == [Event("", "页面")]


def test_comments_names_marks_and_unknown_fields() -> None:
    raw = b"\xef\xbb\xbf: keep-alive\nevent: error\nid: 4\nretry: 3\ndata: a\ndata: b\n\n:\n\n"
    assert parse(raw) == [Event("error", "a\nb")]


def test_a_missing_last_blank_line_is_forgiven_but_half_a_line_is_not() -> None:
    assert parse(b"data: whole\n") == [Event("", "whole")]
    assert parse(b"data: whole\r") == [Event("", "whole")]
    assert parse(b"data: hal") == []


@pytest.mark.parametrize("chunk", [b"x" * 65_536, b"data: " + b"x" * 65_536 + b"\n"])
def test_an_event_without_end_is_refused(chunk: bytes) -> None:
    parser = EventParser()
    with pytest.raises(AnswerUnusable):
        feed_for_ever(parser, chunk)


def feed_for_ever(parser: EventParser, chunk: bytes) -> None:
    for _ in range(EVENT_BYTES_MAX // len(chunk) + 3):
        parser.feed(chunk)


def test_an_answer_adds_up_and_its_counts_come_last() -> None:
    answer = Accumulator()
    for event in (delta("Deliv"), delta("ery"), delta(finish="stop")):
        answer.take(event)
    answer.take(Event("", '{"choices": [], "usage": {"prompt_tokens": 900, "completion_tokens": 2}}'))
    answer.take(Event("", "[DONE]"))
    completion = answer.finish()
    assert answer.is_done
    assert (completion.text, completion.finish_reason) == ("Delivery", "stop")
    assert (completion.prompt_tokens, completion.completion_tokens) == (900, 2)


def test_done_without_a_finish_reason_is_incomplete() -> None:
    answer = Accumulator()
    answer.take(delta("half of"))
    answer.take(Event("", "[DONE]"))
    with pytest.raises(AnswerUnusable) as caught:
        answer.finish()
    assert caught.value.trouble is Trouble.INCOMPLETE_STREAM


@pytest.mark.parametrize(
    "event",
    [
        Event("", '{"error": "The request failed."}'),
        Event("", '{"error": {"message": "engine died", "code": 500}}'),
        Event("", '{"object": "error", "message": "engine died"}'),
        Event("", '{"detail": "gone"}'),
        Event("", '"engine died"'),
        Event("error", "engine died"),
        Event("", '{"choices": [{"delta": {"content": ""}, "finish_reason": "error", "error": {"code": 502}}]}'),
    ],
)
def test_errors_inside_a_success_are_seen_whatever_their_shape(event: Event) -> None:
    answer = Accumulator()
    answer.take(delta("good so far"))
    with pytest.raises(AnswerUnusable) as caught:
        answer.take(event)
    assert caught.value.trouble is Trouble.ERROR_EVENT
    assert caught.value.body == event.data


def test_null_error_beside_choices_is_none() -> None:
    answer = Accumulator()
    answer.take(delta("fine", finish="stop", error=None))
    assert answer.finish().text == "fine"


def test_content_that_never_came_is_unusable_and_told_like_a_unary_answer() -> None:
    answer = Accumulator()
    answer.take(delta(finish="content_filter"))
    with pytest.raises(AnswerUnusable) as caught:
        answer.finish()
    assert caught.value.trouble is Trouble.NO_CONTENT
    assert orjson.loads(caught.value.body)["choices"][0]["finish_reason"] == "content_filter"


def test_empty_content_is_an_answer_that_the_judge_must_weigh() -> None:
    answer = Accumulator()
    answer.take(delta("", finish="stop"))
    assert answer.finish().text == ""


def test_a_watch_sees_each_piece_and_stops_the_stream() -> None:
    seen: list[str] = []

    def watch(piece: str) -> str | None:
        seen.append(piece)
        return "loop" if len(seen) == 2 else None

    answer = Accumulator(watch)
    answer.take(delta("a"))
    assert not answer.is_done
    answer.take(delta("a"))
    assert answer.is_done
    completion = answer.finish()
    assert (completion.text, completion.aborted, completion.finish_reason) == ("aa", "loop", None)


def test_parts_and_refusals_are_read() -> None:
    answer = Accumulator()
    raw = {"choices": [{"delta": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}}]}
    answer.take(Event("", orjson.dumps(raw).decode()))
    answer.take(Event("", '{"choices": [{"delta": {"refusal": "No."}, "finish_reason": "stop"}]}'))
    assert (answer.finish().text, answer.finish().refusal) == ("ab", "No.")
