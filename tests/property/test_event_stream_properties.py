from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from ironleaf.services.engines.vision_language.stream import Accumulator, EventParser
from ironleaf.services.engines.vision_language.trouble import AnswerUnusable


def stream(texts: list[str], end: bytes) -> bytes:
    lines: list[bytes] = []
    for text in texts:
        event = {"choices": [{"delta": {"content": text}, "finish_reason": None}]}
        lines += [b": waiting", b"data: " + orjson.dumps(event), b""]
    lines += [b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}', b"", b"data: [DONE]", b"", b""]
    return end.join(lines)


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    at = sorted({place % (len(raw) + 1) for place in places})
    return [raw[begin:end] for begin, end in zip([0, *at], [*at, len(raw)], strict=True)]


@given(
    texts=st.lists(st.text(max_size=20), min_size=1, max_size=8),
    end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    places=st.lists(st.integers(min_value=0, max_value=5_000), max_size=30),
)
def test_where_the_network_cuts_a_stream_never_matters(texts: list[str], end: bytes, places: list[int]) -> None:
    parser, answer = EventParser(), Accumulator()
    for chunk in cut(stream(texts, end), places):
        for event in parser.feed(chunk):
            answer.take(event)
    for event in parser.finish():
        answer.take(event)
    assert answer.finish().text == "".join(texts)
    assert answer.is_done


@given(chunks=st.lists(st.binary(max_size=60), max_size=12))
def test_any_bytes_give_events_or_one_known_failure(chunks: list[bytes]) -> None:
    parser, answer = EventParser(), Accumulator()
    try:
        for chunk in chunks:
            for event in parser.feed(chunk):
                answer.take(event)
        for event in parser.finish():
            answer.take(event)
        answer.finish()
    except AnswerUnusable:
        pass
