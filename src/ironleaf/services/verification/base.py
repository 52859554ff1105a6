"""What is judged, and what a verdict says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

INK_SHARE_MIN: Final = 0.004
"""Genuine pages of text lie far above; specks, borders and a page number below."""
Severity = Literal["hard", "soft"]
"""``hard``: the text must not be given to a caller while another engine may read the page.
``soft``: doubtful, or repaired by cleaning; a warning, worth one more try where that is cheap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One page's answer of a vision-language model, with the facts around it.

    Whatever is not known is None and decides nothing.
    """

    text: str
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    """As the server counted them, image included."""
    completion_tokens: int | None = None
    prompt: str = ""
    """The words that were sent beside the image."""
    image_sent: bool = True
    text_only_tokens: int | None = None
    """What the same prompt costs without an image."""
    ink_share: float | None = None
    """Of the image that was sent: share of pixels that differ from the background, 0-1."""
    max_tokens: int | None = None
    """The room that was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Something that is wrong with an answer. ``reason`` is one of `NOTICES`."""

    reason: str
    severity: Severity = "hard"

    @property
    def rejects(self) -> bool:
        """Tell whether the answer must not be used."""
        return self.severity == "hard"


def bare(text: str) -> str:
    """Return ``text`` without its whitespace at both ends and its code fences."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(("```", "~~~"))]
    return "\n".join(lines).strip()
