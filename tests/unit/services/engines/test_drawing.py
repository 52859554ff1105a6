"""A picture is drawn once for all who want the same one, and never outlives the page's reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ironleaf.document import ImageEncoding, PageImage, PageSource, RenderSpec
from ironleaf.services.engines.base import discard
from ironleaf.services.engines.drawing import Drawing

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

PLAIN, TURNED = RenderSpec(), RenderSpec(rotation_deg=90)


class Studio:
    """Draws into a directory and counts; pictures not meant for one reading are marked as nobody's."""

    def __init__(self, directory: Path, *, spooled: bool = True) -> None:
        self.directory = directory
        self.drawn: list[RenderSpec] = []
        self._spooled = spooled
        self.page = PageSource(number=1, width_px=4, height_px=4, render=self.render)

    async def render(self, spec: RenderSpec) -> PageImage:
        self.drawn.append(spec)
        path = self.directory / f"{len(self.drawn)}.rgb"
        path.write_bytes(b"x")
        return PageImage(
            path=path,
            encoding=ImageEncoding.RAW_RGB,
            width_px=4,
            height_px=4,
            bytes=1,
            ink_share=0.1,
            spooled=self._spooled,
        )

    def kept(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir())


async def test_the_same_picture_is_drawn_once_though_every_reader_clears_up_behind_himself(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    with Drawing(studio.page) as page:
        for _ in range(3):
            image = await page.render(PLAIN)
            discard(image)
            assert image.path.exists()
    assert (studio.drawn, studio.kept()) == ([PLAIN], [])


async def test_another_picture_takes_the_place_of_the_last_one(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    with Drawing(studio.page) as page:
        await page.render(PLAIN)
        await page.render(TURNED)
        assert studio.kept() == ["2.rgb"]
        await page.render(PLAIN)
    assert (studio.drawn, studio.kept()) == ([PLAIN, TURNED, PLAIN], [])


async def test_a_failed_reading_leaves_nothing_behind(tmp_path: Path) -> None:
    studio = Studio(tmp_path)

    async def read_in_vain() -> None:
        with Drawing(studio.page) as page:
            await page.render(PLAIN)
            raise ValueError("unreadable")

    with pytest.raises(ValueError, match="unreadable"):
        await read_in_vain()
    assert (studio.drawn, studio.kept()) == ([PLAIN], [])


async def test_a_picture_that_was_not_drawn_for_a_reading_stays(tmp_path: Path) -> None:
    studio = Studio(tmp_path, spooled=False)
    with Drawing(studio.page) as page:
        await page.render(PLAIN)
    assert studio.kept() == ["1.rgb"]


async def test_a_page_that_is_never_drawn_costs_nothing(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    with Drawing(studio.page) as page:
        assert page == studio.page
    assert studio.drawn == []
