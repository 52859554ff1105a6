"""What a prompt costs without its image: the measure by which an ignored image shows.

Why measured: chat templates differ by dozens of tokens. Why seldom: a page's
image costs a thousand tokens or more, so an answer above the largest count that
the text alone could reach needs no measurement.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TEMPLATE_TOKENS_MAX: Final = 96
"""More than any chat template adds to one turn."""
PROMPTS_KEPT_MAX: Final = 64
"""Callers may send prompts of their own; the operator's few stay in."""


class TextBaseline:
    """Knows, or finds out, the prompt tokens of a text without image.

    ``measure`` asks the server once; it returns None where that failed, and is
    asked again next time.
    """

    def __init__(self, measure: Callable[[str], Awaitable[int | None]]) -> None:
        self._measure = measure
        self._known: dict[str, int] = {}
        self._turn = asyncio.Lock()

    async def find(self, prompt: str, *, prompt_tokens: int | None) -> int | None:
        """Return the text's own tokens, or None where ``prompt_tokens`` leaves no doubt or nothing can be said."""
        if prompt_tokens is None or prompt_tokens > len(prompt.encode()) + TEMPLATE_TOKENS_MAX:
            return None  # no tokenizer needs more than one token a byte
        async with self._turn:  # pages of one document come together: the first measures for all
            known = self._known.pop(prompt, None)
            if known is None and (known := await self._measure(prompt)) is None:
                return None
            self._known[prompt] = known
            if len(self._known) > PROMPTS_KEPT_MAX:
                self._known.pop(next(iter(self._known)))  # the one that was not needed for longest
            return known
