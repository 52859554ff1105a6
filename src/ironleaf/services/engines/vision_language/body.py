"""The request body: a JSON frame with a hole in it, and the image's base64 read into the hole while it is sent.

Why: a page image is several megabytes of base64. Joined into a string and dumped
as JSON it exists four times; here at most one block of it is alive, and a retry
reads it again from the spool.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import orjson
import pybase64

from ironleaf.document import ImageEncoding
from ironleaf.services.engines.profiles.base import ImageStyle

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from pathlib import Path

    from ironleaf.document import PageImage

BLOCK_BYTES: Final = 49_152
"""Divisible by 3, so that the base64 of the blocks joins up; 64 KiB once encoded."""
_MEDIA_TYPES: Final = {ImageEncoding.JPEG: "image/jpeg", ImageEncoding.PNG: "image/png"}


class ImageChanged(Exception):
    """The spooled image is not the file that was measured; private to this package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestBody:
    """A JSON body that can be sent any number of times."""

    prefix: bytes
    suffix: bytes = b""
    image: Path | None = None
    image_bytes: int = 0

    @property
    def content_length(self) -> int:
        return len(self.prefix) + (self.image_bytes + 2) // 3 * 4 + len(self.suffix)

    def chunks(self) -> Generator[bytes]:
        """Yield the body in blocks; each call begins anew. Close the iterator if it is left early.

        Raises:
            ImageChanged: the file shrank or grew since it was measured.
            OSError: the file cannot be read.
        """
        yield self.prefix
        if self.image is not None:
            yield from _encode_file(self.image, self.image_bytes)
        if self.suffix:
            yield self.suffix


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatFrame:
    """What a request asks, without its image."""

    model: str
    prompt: str
    system_prompt: str | None = None
    image_style: ImageStyle = ImageStyle.IMAGE_URL
    image_first: bool = True
    max_tokens: int
    stream: bool = False
    temperature: float | None = None
    top_p: float | None = None
    extra_body: Mapping[str, Any] | None = None


def make_text_body(frame: ChatFrame) -> RequestBody:
    """Return the body of a request without an image."""
    return RequestBody(prefix=orjson.dumps(_payload(frame, [_text_part(frame.prompt)])))


def make_image_body(frame: ChatFrame, image: PageImage) -> RequestBody:
    """Return the body of a request about ``image``, which stays in its file.

    Raises:
        OSError: the file is not there.
    """
    start = f"data:{_MEDIA_TYPES[image.encoding]};base64,"
    for attempt in range(len(frame.prompt) + 2):
        hole = f"(image {attempt})"
        parts = [_image_part(frame.image_style, start + hole), _text_part(frame.prompt)]
        raw = orjson.dumps(_payload(frame, parts if frame.image_first else parts[::-1]))
        pieces = raw.split(hole.encode())
        if len(pieces) == 2:  # noqa: PLR2004  # else the caller's own prompt holds the same words
            break
    else:
        raise AssertionError("a prompt cannot hold more marks than characters")
    return RequestBody(prefix=pieces[0], suffix=pieces[1], image=image.path, image_bytes=image.path.stat().st_size)


def _payload(frame: ChatFrame, content: list[dict[str, Any]]) -> dict[str, Any]:
    payload: dict[str, Any] = {**(frame.extra_body or {}), "model": frame.model, "max_tokens": frame.max_tokens}
    if frame.stream:
        payload |= {"stream": True, "stream_options": {"include_usage": True}}
    if frame.temperature is not None:
        payload["temperature"] = frame.temperature
    if frame.top_p is not None:
        payload["top_p"] = frame.top_p
    system = [{"role": "system", "content": frame.system_prompt}] if frame.system_prompt else []
    return {**payload, "messages": [*system, {"role": "user", "content": content}]}


def _text_part(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _image_part(style: ImageStyle, data: str) -> dict[str, Any]:
    if style is ImageStyle.IMAGE:
        return {"type": "image", "image": data}
    if style is ImageStyle.IMAGE_URL_TEXT:
        return {"type": "image_url", "image_url": data}
    return {"type": "image_url", "image_url": {"url": data}}


def _encode_file(path: Path, expected_bytes: int) -> Iterator[bytes]:
    # Read in the event loop: the flow wrote the file a moment ago, so a block comes from memory in some microseconds,
    # less than handing it to a thread costs.
    seen = 0
    with path.open("rb", buffering=0) as file:
        while block := _read_block(file):
            seen += len(block)
            if seen > expected_bytes:
                break
            yield pybase64.b64encode(block)
    if seen != expected_bytes:
        raise ImageChanged


def _read_block(file: BinaryIO) -> bytes:
    block: bytes = file.read(BLOCK_BYTES)
    while 0 < len(block) < BLOCK_BYTES:
        more: bytes = file.read(BLOCK_BYTES - len(block))
        if not more:
            break
        block += more
    return block
