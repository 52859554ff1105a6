"""Files opened and drawn in real worker processes, with their limits and their sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pikepdf
import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from ironleaf.application.worker_entry import make_decoding_worker
from ironleaf.document import ImageEncoding, RenderSpec
from ironleaf.foundation.clock import Deadline, SystemClock
from ironleaf.foundation.errors import IronleafError
from ironleaf.foundation.processes import ProcessLimits, WorkerPool, WorkerSpec
from ironleaf.services.files.decoding import Decoder
from ironleaf.services.files.formats.base import DecodeLimits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio

ADDRESS_SPACE_BYTES = 2 * 1024**3


@pytest.fixture
async def decoder(tmp_path: Path) -> AsyncIterator[Decoder]:
    spec = WorkerSpec(name="decode", factory=make_decoding_worker, settings=DecodeLimits(), write_roots=(tmp_path,))
    limits = ProcessLimits(address_space_bytes=ADDRESS_SPACE_BYTES)
    pool: WorkerPool[Any, Any] = WorkerPool(spec, size=1, limits=limits, clock=SystemClock())
    await pool.start()
    yield Decoder(pool)
    await pool.aclose()


def soon() -> Deadline:
    return Deadline.after(30.0, SystemClock())


def write_pdf(path: Path, pages: int) -> Path:
    canvas = Canvas(str(path))
    for number in range(1, pages + 1):
        canvas.drawString(72, 700, f"page number {number} of this document")
        canvas.showPage()
    canvas.save()
    return path


async def test_a_pdf_is_read_page_by_page(decoder: Decoder, tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "in.pdf", 3)
    document = await decoder.open(path, "pdf", deadline=soon(), spool_dir=tmp_path)
    assert document.page_count == 3
    page = await document.page(2)
    assert page.text_layer is not None
    assert page.text_layer.text == "page number 2 of this document"
    image = await page.render(RenderSpec(side_px_max=500))
    pixels = np.load(image.path)
    assert pixels.shape == (image.height_px, image.width_px, 3) == (500, 353, 3)


async def test_a_picture_is_drawn_in_each_encoding(decoder: Decoder, tmp_path: Path) -> None:
    path = tmp_path / "in.tif"
    frames = [Image.new("1", (200, 300), 1), Image.new("1", (100, 150), 0)]
    frames[0].save(path, format="TIFF", save_all=True, append_images=frames[1:], compression="group4")
    document = await decoder.open(path, "tiff", deadline=soon(), spool_dir=tmp_path)
    page = await document.page(2)
    for encoding in ImageEncoding:
        image = await page.render(RenderSpec(encoding=encoding))
        assert (image.width_px, image.height_px) == (100, 150)
        assert image.path.stat().st_size == image.bytes > 0


async def test_a_refusal_crosses_the_pipe_whole(decoder: Decoder, tmp_path: Path) -> None:
    plain = write_pdf(tmp_path / "plain.pdf", 1)
    path = tmp_path / "in.pdf"
    with pikepdf.open(plain) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(user="secret", owner="owner"))
    with pytest.raises(IronleafError) as caught:
        await decoder.open(path, "pdf", deadline=soon(), spool_dir=tmp_path)
    assert (caught.value.entry.reason, caught.value.details[0].field) == ("password-required", "password")
    document = await decoder.open(path, "pdf", deadline=soon(), spool_dir=tmp_path, password="secret")
    assert document.page_count == 1


@pytest.mark.slow
async def test_the_largest_picture_that_is_taken_fits(decoder: Decoder, tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    Image.new("P", (10_000, 9_990), 255).save(path, compress_level=1)
    document = await decoder.open(path, "png", deadline=soon(), spool_dir=tmp_path)
    image = await (await document.page(1)).render(RenderSpec())
    assert 15_000_000 < image.width_px * image.height_px <= 16_000_000
    assert document.warnings_of(1) == ("image-downscaled", "palette-expanded")


async def test_a_file_outside_the_spool_is_out_of_reach_or_at_least_harmless(decoder: Decoder, tmp_path: Path) -> None:
    with pytest.raises(IronleafError) as caught:
        await decoder.open(tmp_path / "missing.png", "png", deadline=soon(), spool_dir=tmp_path)
    assert caught.value.entry.reason == "storage-failed"
