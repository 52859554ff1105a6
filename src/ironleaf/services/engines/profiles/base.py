"""What a family of models wants to be asked, and how it answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ironleaf.document import ImageEncoding

MAX_TOKENS_LIMIT: Final = 32_768
"""One server, asked for ten million tokens, answered nothing any more: there is always a cap."""
TEMPERATURE_LIMIT: Final = 2.0
SIDE_PX_RANGE: Final = (56, 8_192)
"""The smallest side that the families here accept, and more than any of them looks at."""
PIXELS_MIN: Final = 56 * 56
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class ReplyForm(StrEnum):
    """How the text lies in the model's answer."""

    PLAIN = "plain"
    MARKDOWN = "markdown"
    FRONT_MATTER = "front_matter"
    """Markdown below ``---`` lines of facts about the page, or the same as one JSON object."""


class ImageStyle(StrEnum):
    """How the image travels in the request."""

    IMAGE_URL = "image_url"
    """``{"type": "image_url", "image_url": {"url": "data:…"}}``: what nearly every server takes."""
    IMAGE_URL_TEXT = "image_url_text"
    """``{"type": "image_url", "image_url": "data:…"}``."""
    IMAGE = "image"
    """``{"type": "image", "image": "data:…"}``: two common servers drop it in silence and answer anyway."""


class CleanUp(StrEnum):
    """Habits of a family that are taken off its answers."""

    OUTER_FENCE = "outer_fence"
    """One Markdown fence around the whole answer."""
    THINKING = "thinking"
    """A leading ``<think>…</think>`` part."""


class ProfileError(ValueError):
    """A profile's file is not as it must be; says which profile and which field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One family of models, as data.

    Raises:
        ProfileError: a field contradicts its meaning.
    """

    name: str
    source: str
    """Where the figures come from: for people."""
    prompt: str
    system_prompt: str | None = None
    language_hint: str | None = None
    """Added to the prompt when the caller named languages; holds ``{languages}`` once."""
    reply_form: ReplyForm
    clean_up: frozenset[CleanUp] = frozenset()
    encoding: ImageEncoding = ImageEncoding.JPEG
    jpeg_quality: int = 90
    side_px_max: int
    pixels_max: int
    aspect_ratio_max: float | None = None
    """Longer pictures are refused by the family's own resizing; they are not sent."""
    image_style: ImageStyle = ImageStyle.IMAGE_URL
    image_first: bool = True
    max_tokens: int
    temperature: float | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        low, high = SIDE_PX_RANGE
        checks = {
            "name": _NAME.fullmatch(self.name) is not None,
            "source": bool(self.source.strip()),
            "prompt": bool(self.prompt.strip()),
            "language_hint": self.language_hint is None or self.language_hint.count("{languages}") == 1,
            "encoding": self.encoding in {ImageEncoding.JPEG, ImageEncoding.PNG},
            "jpeg_quality": 1 <= self.jpeg_quality <= 100,  # noqa: PLR2004  # the format's own range
            "side_px_max": low <= self.side_px_max <= high,
            "pixels_max": PIXELS_MIN <= self.pixels_max <= high * high,
            "aspect_ratio_max": self.aspect_ratio_max is None or self.aspect_ratio_max >= 1,
            "max_tokens": 1 <= self.max_tokens <= MAX_TOKENS_LIMIT,
            "temperature": self.temperature is None or 0 <= self.temperature <= TEMPERATURE_LIMIT,
            "top_p": self.top_p is None or 0 <= self.top_p <= 1,
        }
        for field, holds in checks.items():
            if not holds:
                raise ProfileError(f"profile: in {self.name} {field} is out of its range")
