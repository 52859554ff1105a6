from __future__ import annotations

import orjson
import pytest

from ironleaf.services.engines.vision_language.completion import read_completion
from ironleaf.services.engines.vision_language.trouble import AnswerUnusable, Trouble


def answer(message: object, **rest: object) -> bytes:
    return orjson.dumps({"choices": [{"message": message, "finish_reason": "stop"}], **rest})


def test_text_reason_and_counts_are_read() -> None:
    raw = answer({"content": "Text."}, usage={"prompt_tokens": 900, "completion_tokens": 3})
    completion = read_completion(b"\n\n  " + raw)
    assert (completion.text, completion.finish_reason) == ("Text.", "stop")
    assert (completion.prompt_tokens, completion.completion_tokens) == (900, 3)


def test_an_absent_finish_reason_decides_nothing() -> None:
    assert read_completion(b'{"choices": [{"message": {"content": "a"}}]}').finish_reason is None


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 0}, {"prompt_tokens": True}, {"prompt_tokens": "9"}, 4])
def test_counts_that_are_none_are_unknown(usage: object) -> None:
    assert read_completion(answer({"content": "a"}, usage=usage)).prompt_tokens is None


@pytest.mark.parametrize(
    ("raw", "trouble"),
    [
        (b"", Trouble.NOT_JSON),
        (b"<html>502</html>", Trouble.NOT_JSON),
        (b'{"choices": [{"message": {"content": "half', Trouble.NOT_JSON),
        (b'{"error": {"message": "gone"}}', Trouble.ERROR_EVENT),
        (b'{"error": "gone", "choices": []}', Trouble.ERROR_EVENT),
        (b'{"detail": "gone"}', Trouble.ERROR_EVENT),
        (b"[]", Trouble.ERROR_EVENT),
        (b"null", Trouble.ERROR_EVENT),
        (b'{"choices": []}', Trouble.NO_CONTENT),
        (b'{"choices": [null]}', Trouble.NO_CONTENT),
        (b'{"choices": [{"message": null}]}', Trouble.NO_CONTENT),
        (b'{"choices": [{"message": {"content": null}}]}', Trouble.NO_CONTENT),
        (b'{"choices": [{"message": {"content": []}}]}', Trouble.NO_CONTENT),
        (b'{"choices": [{"message": {"content": 7}}]}', Trouble.NO_CONTENT),
    ],
)
def test_a_success_that_is_none(raw: bytes, trouble: Trouble) -> None:
    with pytest.raises(AnswerUnusable) as caught:
        read_completion(raw)
    assert caught.value.trouble is trouble
    assert caught.value.body == raw.decode()


def test_refusals_and_parts() -> None:
    assert read_completion(answer({"content": None, "refusal": "No."})).refusal == "No."
    assert read_completion(answer({"content": [{"type": "text", "text": "a"}, {"text": "b"}]})).text == "ab"
