"""Pictures inside Office files are pages when they are asked for, and only then."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import docx
import pptx
import pytest
from PIL import Image, ImageDraw
from pptx.util import Inches
from tests.fixtures.bombs import png
from tests.fixtures.workshop import make_workshop

from ironleaf.document import RenderSpec
from ironleaf.foundation.errors import IronleafError
from ironleaf.services.files.formats.base import DecodeLimits, OpenJob, OpenRequest, PageJob, RenderJob

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def work() -> Iterator[Any]:
    workshop: Any = make_workshop(DecodeLimits())
    yield workshop
    workshop.close()


def picture(width: int, height: int) -> io.BytesIO:
    shown = Image.effect_noise((width, height), 40).convert("L")
    ImageDraw.Draw(shown).text((10, 10), "inside", fill=0)
    data = io.BytesIO()
    shown.save(data, format="PNG")
    data.seek(0)
    return data


def write_document(path: Path) -> Path:
    document = docx.Document()
    document.add_paragraph("Words around it.")
    document.add_picture(picture(300, 200))
    document.add_picture(picture(120, 80))
    document.save(str(path))
    return path


def test_they_are_pages_behind_the_text(tmp_path: Path, work: Any) -> None:
    request = OpenRequest(path=write_document(tmp_path / "a"), format="docx", pictures=True)
    assert work(OpenJob(file=request)).page_count == 3
    text, first, second = (work(PageJob(file=request, number=number)) for number in (1, 2, 3))
    assert (text.text_layer.text, text.has_image, text.notices) == ("Words around it.", False, ())
    assert [(page.number, page.width_px, page.height_px) for page in (first, second)] == [(2, 300, 200), (3, 120, 80)]
    assert (first.has_image, first.text_layer) == (True, None)
    target = tmp_path / "page"
    drawn = work(RenderJob(file=request, number=2, spec=RenderSpec(), target=target))
    assert (drawn.image.width_px, drawn.image.height_px) == (300, 200)
    work.close()
    assert {path.name for path in tmp_path.iterdir()} == {"a", "page"}


def test_without_being_asked_for_they_are_told_and_left(tmp_path: Path, work: Any) -> None:
    request = OpenRequest(path=write_document(tmp_path / "a"), format="docx")
    assert work(OpenJob(file=request)).page_count == 1
    assert work(PageJob(file=request, number=1)).notices == ("embedded-pictures-skipped",)


def test_those_in_slides_too(tmp_path: Path, work: Any) -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    slide.shapes.add_picture(picture(200, 100), Inches(1), Inches(1))
    deck.save(str(tmp_path / "a"))
    request = OpenRequest(path=tmp_path / "a", format="pptx", pictures=True)
    assert work(OpenJob(file=request)).page_count == 2
    assert work(PageJob(file=request, number=2)).width_px == 200


def test_a_kind_that_is_not_taken_is_told(tmp_path: Path, work: Any) -> None:
    path = write_document(tmp_path / "a")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("word/media/image9.emf", b"\x01\0\0\0" + bytes(range(256)) * 4)
    info = work(OpenJob(file=OpenRequest(path=path, format="docx", pictures=True)))
    assert (info.page_count, info.notices) == (3, ("embedded-pictures-skipped",))


def test_a_bomb_inside_costs_its_page_only(tmp_path: Path, work: Any) -> None:
    path = tmp_path / "a"
    path.write_bytes(write_document(tmp_path / "b").read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("word/media/image9.png", png(30_000, 30_000))
    request = OpenRequest(path=path, format="docx", pictures=True)
    assert work(OpenJob(file=request)).page_count == 4
    with pytest.raises(IronleafError) as caught:
        work(PageJob(file=request, number=4))
    assert caught.value.entry.reason == "page-too-large"
    assert work(PageJob(file=request, number=2)).width_px == 300
