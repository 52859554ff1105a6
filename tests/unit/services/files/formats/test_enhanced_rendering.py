"""Only the embedded engine gets repaired pictures, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, TiffImagePlugin

from ironleaf.document import ImageEncoding, RenderSpec
from ironleaf.services.files.formats.image_spacing import read_row_factor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FAX = (1728, 1100)


def save_fax(path: Path, dpi: tuple[float, float] | None = (204, 98)) -> Path:
    page = Image.new("1", FAX, 1)
    pen = ImageDraw.Draw(page)
    for number in range(20):
        pen.rectangle((100, 50 + number * 40, 900, 60 + number * 40), fill=0)
    page.save(path, compression="group4", **({"dpi": dpi} if dpi else {}))
    return path


def save_specked(path: Path) -> Path:
    pixels = np.full((900, 700, 3), 240, np.uint8)
    pixels[np.random.default_rng(3).random((900, 700)) < 0.05] = 0
    Image.fromarray(pixels).save(path)
    return path


def test_a_fax_is_drawn_as_high_as_it_was(tmp_path: Path, bench: Any) -> None:
    path = save_fax(tmp_path / "fax.tif")
    pixels, rendered = bench.render(path, "tiff")
    assert pixels.shape == (2290, 1728, 3)
    assert (rendered.image.width_px, rendered.image.height_px) == (1728, 2290)
    assert rendered.notices == ("page-enhanced",)
    info = bench.describe(path, "tiff")
    assert (info.width_px, info.height_px) == FAX  # places are told in the file's own pixels


@pytest.mark.parametrize("dpi", [None, (200, 200), (98, 204), (1, 0), (900, 10)])
def test_only_a_faxs_spacing_is_believed(tmp_path: Path, bench: Any, dpi: tuple[float, float] | None) -> None:
    _, rendered = bench.render(save_fax(tmp_path / "fax.tif", dpi), "tiff")
    assert (rendered.image.width_px, rendered.image.height_px) == FAX


def test_broken_tags_say_nothing(tmp_path: Path) -> None:
    with Image.open(save_fax(tmp_path / "fax.tif")) as picture:
        assert isinstance(picture, TiffImagePlugin.TiffImageFile)
        picture.tag_v2[282] = "wide"
        assert read_row_factor(picture) == 1.0


def test_other_readers_get_the_page_as_it_is(tmp_path: Path, bench: Any) -> None:
    path = save_fax(tmp_path / "fax.tif")
    _, rendered = bench.render(path, "tiff", spec=RenderSpec(encoding=ImageEncoding.JPEG))
    assert (rendered.image.width_px, rendered.image.height_px) == FAX
    assert rendered.notices == ()


def test_the_setting_turns_it_off(tmp_path: Path, make_bench: Callable[..., Any]) -> None:
    path = save_specked(tmp_path / "specked.png")
    _, repaired = make_bench().render(path, "png")
    assert repaired.notices == ("page-enhanced",)
    pixels, plain = make_bench(enhance=False).render(path, "png")
    assert plain.notices == ()
    assert sorted(np.unique(pixels).tolist()) == [0, 240]
