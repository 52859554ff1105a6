from __future__ import annotations

import base64
import contextlib
import itertools
import tracemalloc
from typing import TYPE_CHECKING

import orjson
import pytest

from ironleaf.document import ImageEncoding, PageImage
from ironleaf.services.engines.profiles import ImageStyle
from ironleaf.services.engines.vision_language.body import (
    BLOCK_BYTES,
    ChatFrame,
    ImageChanged,
    make_image_body,
    make_text_body,
)

if TYPE_CHECKING:
    from pathlib import Path

BASE64_BLOCK_BYTES = BLOCK_BYTES // 3 * 4


def make_image(folder: Path, content: bytes) -> PageImage:
    path = folder / "page.jpg"
    path.write_bytes(content)
    return PageImage(path=path, encoding=ImageEncoding.JPEG, width_px=9, height_px=9, bytes=len(content), ink_share=0.2)


@pytest.mark.parametrize("size", [0, 1, 2, 3, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 2])
def test_the_body_is_the_json_it_stands_for_and_as_long_as_it_says(tmp_path: Path, size: int) -> None:
    content = bytes(index % 251 for index in range(size))
    body = make_image_body(ChatFrame(model="m", prompt="Read.", max_tokens=9), make_image(tmp_path, content))
    raw = b"".join(body.chunks())
    assert len(raw) == body.content_length
    image, text = orjson.loads(raw)["messages"][0]["content"]
    assert text == {"type": "text", "text": "Read."}
    assert base64.b64decode(image["image_url"]["url"].removeprefix("data:image/jpeg;base64,")) == content


def test_a_body_can_be_sent_again(tmp_path: Path) -> None:
    body = make_image_body(ChatFrame(model="m", prompt="p", max_tokens=9), make_image(tmp_path, b"x" * 200_000))
    with contextlib.closing(body.chunks()) as broken_off:
        list(itertools.islice(broken_off, 2))
    assert b"".join(body.chunks()) == b"".join(body.chunks())


def test_only_a_few_blocks_of_base64_are_alive_at_a_time(tmp_path: Path) -> None:
    body = make_image_body(ChatFrame(model="m", prompt="p", max_tokens=9), make_image(tmp_path, b"x" * 8_000_000))
    tracemalloc.start()
    longest = max(map(len, body.chunks()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert longest <= BASE64_BLOCK_BYTES
    assert peak < 6 * BASE64_BLOCK_BYTES


@pytest.mark.parametrize("prompt", ["(image 0)", "(image 0) (image 1) (image 2)", '"\\(image 0)'])
@pytest.mark.parametrize("image_first", [True, False])
def test_a_prompt_that_looks_like_the_hole_changes_nothing(tmp_path: Path, prompt: str, image_first: bool) -> None:
    frame = ChatFrame(model="m", prompt=prompt, max_tokens=9, image_first=image_first)
    parts = orjson.loads(b"".join(make_image_body(frame, make_image(tmp_path, b"abc")).chunks()))["messages"][0]
    image, text = parts["content"] if image_first else reversed(parts["content"])
    assert text["text"] == prompt
    assert image["image_url"]["url"] == "data:image/jpeg;base64,YWJj"


@pytest.mark.parametrize(
    ("style", "part"),
    [
        (ImageStyle.IMAGE_URL, {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,YWJj"}}),
        (ImageStyle.IMAGE_URL_TEXT, {"type": "image_url", "image_url": "data:image/jpeg;base64,YWJj"}),
        (ImageStyle.IMAGE, {"type": "image", "image": "data:image/jpeg;base64,YWJj"}),
    ],
)
def test_the_image_travels_in_the_style_asked_for(tmp_path: Path, style: ImageStyle, part: object) -> None:
    frame = ChatFrame(model="m", prompt="p", max_tokens=9, image_style=style)
    raw = b"".join(make_image_body(frame, make_image(tmp_path, b"abc")).chunks())
    assert orjson.loads(raw)["messages"][0]["content"][0] == part


def test_parameters_are_sent_only_where_given_and_extras_beside_them() -> None:
    bare = orjson.loads(b"".join(make_text_body(ChatFrame(model="m", prompt="p", max_tokens=7)).chunks()))
    assert set(bare) == {"model", "max_tokens", "messages"}
    frame = ChatFrame(
        model="m",
        prompt="p",
        system_prompt="s",
        max_tokens=7,
        stream=True,
        temperature=0.0,
        top_p=0.5,
        extra_body={"repetition_penalty": 1.02},
    )
    full = orjson.loads(b"".join(make_text_body(frame).chunks()))
    assert full["stream"] is True
    assert full["stream_options"] == {"include_usage": True}
    assert (full["temperature"], full["top_p"], full["repetition_penalty"]) == (0.0, 0.5, 1.02)
    assert full["messages"][0] == {"role": "system", "content": "s"}


@pytest.mark.parametrize("later", [b"", b"short", b"x" * 100_001])
def test_a_file_that_changed_meanwhile_is_noticed(tmp_path: Path, later: bytes) -> None:
    image = make_image(tmp_path, b"x" * 100_000)
    body = make_image_body(ChatFrame(model="m", prompt="p", max_tokens=9), image)
    image.path.write_bytes(later)
    with pytest.raises(ImageChanged):
        list(body.chunks())
