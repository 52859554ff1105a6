"""How much text one file may still give: its pages share one limit, whatever each may have alone."""

from __future__ import annotations

from dataclasses import replace

from ironleaf.document import Block, PageResult
from ironleaf.services.files.errors import TEXT_TRUNCATED


class TextAllowance:
    """Characters left for a file. Five hundred sheets that show the same long text are two gigabytes."""

    def __init__(self, characters_max: int) -> None:
        self._left = characters_max

    def spend(self, result: PageResult) -> PageResult:
        """Return the reading, cut with a warning where the allowance ends."""
        length = len(result.text)
        left, self._left = self._left, max(0, self._left - length)
        if length <= left:
            return result
        return replace(
            result,
            text=result.text[:left],
            blocks=_cut(result.blocks, left),
            warnings=(*result.warnings, TEXT_TRUNCATED.reason),
        )


def _cut(blocks: tuple[Block, ...], left: int) -> tuple[Block, ...]:
    kept: list[Block] = []
    for block in blocks:
        if left <= 0:
            break
        kept.append(block if len(block.text) <= left else replace(block, text=block.text[:left]))
        left -= len(block.text)
    return tuple(kept)
