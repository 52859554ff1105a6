"""Formats whose text needs no recognition: pages made of blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ironleaf.document import Block, BlockKind, RenderSpec, TextLayer
from ironleaf.foundation.errors import ProcessingFailure
from ironleaf.services.files import errors
from ironleaf.services.files.formats.base import OpenedInfo, PageInfo, RenderedPage
from ironleaf.services.files.formats.failures import damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

PARTS_KEPT_TOGETHER: Final = frozenset({BlockKind.LIST_ITEM, BlockKind.LINE})
"""Blocks of these kinds follow one another without an empty line."""


class OpenedText:
    """A file of one or more native pages; each is read when it is asked for.

    A page is a function that takes a list for its notices and yields its blocks.
    A file without any page counts as one empty page: it was read, and held nothing.
    """

    def __init__(
        self,
        pages: Sequence[Callable[[list[str]], Iterable[Block]]],
        *,
        characters_max: int,
        notices: tuple[str, ...] = (),
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self._pages = pages or (lambda _: (),)
        self._characters_max = characters_max
        self._info = OpenedInfo(page_count=len(self._pages), notices=notices)
        self._on_close = on_close

    @property
    def info(self) -> OpenedInfo:
        return self._info

    def describe(self, number: int) -> PageInfo:
        if not 1 <= number <= len(self._pages):
            raise damaged(errors.DAMAGED_FILE, page=number, why="no such page")
        notices: list[str] = []
        blocks = tuple(_take(self._pages[number - 1](notices), self._characters_max, notices))
        layer = TextLayer(text=join_blocks(blocks), blocks=blocks, native=True)
        return PageInfo(
            number=number,
            width_px=None,
            height_px=None,
            text_layer=layer,
            has_image=False,
            notices=tuple(dict.fromkeys(notices)),
        )

    def render(self, number: int, spec: RenderSpec, target: Path) -> RenderedPage:
        """Refuse: there is nothing to draw, and whoever asks has not looked at ``has_image``."""
        context = {"why": "the page has no picture", "page": number, "spec": str(spec), "target": str(target)}
        raise ProcessingFailure(errors.DECODER_FAILED, context=context)

    def close(self) -> None:
        if self._on_close is not None:
            self._on_close()


def _take(blocks: Iterable[Block], characters_max: int, notices: list[str]) -> Iterable[Block]:
    left = characters_max
    for block in blocks:
        if len(block.text) > left:
            notices.append(errors.TEXT_TRUNCATED.reason)
            if left:
                yield Block(kind=block.kind, text=block.text[:left], level=block.level)
            return
        left -= len(block.text)
        yield block


def join_blocks(blocks: Iterable[Block]) -> str:
    """Return the blocks as plain text: an empty line between them, none within a list."""
    pieces: list[str] = []
    before: BlockKind | None = None
    for block in blocks:
        if pieces:
            pieces.append("\n" if block.kind in PARTS_KEPT_TOGETHER and block.kind == before else "\n\n")
        pieces.append(block.text)
        before = block.kind
    return "".join(pieces)


def make_table(rows: Sequence[Sequence[str]]) -> Block | None:
    """Return the rows as a table block: a line for each, cells parted by tabs; None if all are empty."""
    lines = ["\t".join(" ".join(cell.split()) for cell in row) for row in rows]
    if not any(line.strip() for line in lines):
        return None
    return Block(kind=BlockKind.TABLE, text="\n".join(lines))
