"""A page's picture, drawn once for all who try to read it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ironleaf.services.engines.base import discard

if TYPE_CHECKING:
    from types import TracebackType

    from ironleaf.document import PageImage, PageSource, RenderSpec


class Drawing:
    """A page that keeps its last picture, so that the next try and the next engine need not wait for the same one.

    One picture at a time stays in the spool; the last goes when the context ends.
    """

    def __init__(self, source: PageSource) -> None:
        self._source = source
        self._spec: RenderSpec | None = None
        self._image: PageImage | None = None

    def __enter__(self) -> PageSource:
        return replace(self._source, render=self._render)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forget()

    async def _render(self, spec: RenderSpec) -> PageImage:
        if self._image is None or spec != self._spec:
            self._forget()
            self._image, self._spec = await self._source.render(spec), spec
        return replace(self._image, spooled=False)

    def _forget(self) -> None:
        image, self._image = self._image, None
        if image is not None:
            discard(image)
