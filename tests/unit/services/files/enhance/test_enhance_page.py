"""Repairs are made for damaged pages, and for no others."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from ironleaf.services.files.enhance.decide import NONE, Repairs, apply_repairs, choose_repairs, enhance
from ironleaf.services.files.enhance.measure import measure_page

ROOMY = 20_000_000
PAGE = (900, 1273)


def draw(size: tuple[int, int] = PAGE, *, letters: int = 24, lines: int = 12, ink: int = 20) -> Image.Image:
    page = Image.new("L", size, 250)
    pen = ImageDraw.Draw(page)
    face = ImageFont.load_default(letters)
    for number in range(lines):
        pen.text((60, 60 + number * letters * 1.6), f"Line {number} of a letter, with words", font=face, fill=ink)
    return page.convert("RGB")


def add_grain(page: Image.Image, deviation: float) -> Image.Image:
    noise = np.random.default_rng(5).normal(0, deviation, (page.height, page.width, 1))
    return Image.fromarray(np.clip(np.asarray(page) + noise, 0, 255).astype(np.uint8))


def add_specks(page: Image.Image, share: float) -> Image.Image:
    pixels = np.asarray(page).copy()
    pixels[np.random.default_rng(5).random(pixels.shape[:2]) < share] = 0
    return Image.fromarray(pixels)


def fade(page: Image.Image, share: float) -> Image.Image:
    return page.point(lambda grey: 205 + (grey - 250) * share)


def make_bilevel(page: Image.Image) -> Image.Image:
    return page.convert("L").point(lambda grey: 255 if grey > 128 else 0).convert("RGB")


def choose(page: Image.Image, row_factor: float = 1.0) -> Repairs:
    return choose_repairs(measure_page(page), row_factor=row_factor)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(draw(), id="clean"),
        pytest.param(draw(letters=10, lines=60), id="fine print"),
        pytest.param(draw(lines=1), id="a single line"),
        pytest.param(draw(ink=140), id="grey print"),
        pytest.param(add_grain(draw(), 20), id="some grain"),
        pytest.param(draw().filter(ImageFilter.GaussianBlur(1.2)), id="slightly out of focus"),
        pytest.param(draw().rotate(5, fillcolor=(250, 250, 250)), id="slanted"),
        pytest.param(make_bilevel(draw()), id="bilevel, of screen size"),
        pytest.param(make_bilevel(draw((2480, 3508), letters=60)), id="bilevel, 300 dpi"),
        pytest.param(draw((560, 200), letters=16, lines=4), id="a small cutting"),
        pytest.param(Image.new("RGB", PAGE, "white"), id="blank"),
        pytest.param(add_grain(Image.new("RGB", PAGE, (220, 220, 220)), 3), id="blank with grain"),
        pytest.param(add_grain(Image.new("RGB", PAGE, (220, 220, 220)), 12), id="blank with much grain"),
        pytest.param(Image.linear_gradient("L").resize(PAGE).convert("RGB"), id="a shade"),
        pytest.param(Image.new("RGB", (1, 1)), id="one pixel"),
        pytest.param(Image.new("RGB", (2, 900)), id="a thread"),
    ],
)
def test_what_needs_nothing_is_left_alone(page: Image.Image) -> None:
    assert enhance(page, pixels_max=ROOMY) is page


def test_pale_print_is_made_black() -> None:
    faint = add_grain(fade(draw(), 0.08), 2)
    assert choose(faint).spread is not None
    better = np.asarray(enhance(faint, pixels_max=ROOMY))
    assert better.min() == 0
    assert np.median(better) > 200


def test_a_word_alone_on_a_pale_page_is_enough() -> None:
    assert choose(add_grain(fade(draw(lines=1), 0.08), 1)).spread is not None


@pytest.mark.parametrize("share", [0.02, 0.15])
def test_specks_are_smoothed_away(share: float) -> None:
    specked = add_specks(draw(), share)
    assert choose(specked) == Repairs(soften=True)
    assert measure_page(enhance(specked, pixels_max=ROOMY)).speck_share < measure_page(specked).speck_share / 10


def test_coarse_grain_is_smoothed_away() -> None:
    grainy = add_grain(draw(), 100)
    assert choose(grainy) == Repairs(soften=True)
    assert measure_page(enhance(grainy, pixels_max=ROOMY)).grain < measure_page(grainy).grain


def test_a_badly_blurred_page_is_sharpened() -> None:
    blurred = draw(letters=40).filter(ImageFilter.GaussianBlur(5))
    assert choose(blurred) == Repairs(sharpen=True)
    assert measure_page(enhance(blurred, pixels_max=ROOMY)).steepness > measure_page(blurred).steepness


def test_a_page_of_low_resolution_is_enlarged_and_its_places_keep_their_share() -> None:
    page = Image.new("RGB", (500, 707), "white")
    page.paste((0, 0, 0), (100, 350, 200, 360))
    larger = enhance(page, pixels_max=ROOMY)
    assert larger.size == (1000, 1414)
    rows, columns = np.nonzero(np.asarray(larger.convert("L")) < 128)
    assert (columns.min(), columns.max() + 1) == pytest.approx((200, 400), abs=2)
    assert (rows.min(), rows.max() + 1) == pytest.approx((700, 720), abs=2)


def test_a_fax_gets_its_rows_apart_and_its_stairs_smoothed() -> None:
    fax = make_bilevel(draw((1728, 1100), letters=30))
    assert choose(fax, row_factor=2.0) == Repairs(down=2.0, soften=True)
    better = enhance(fax, row_factor=2.0, pixels_max=ROOMY)
    assert better.size == (1728, 2200)
    assert better.mode == "RGB"


def test_no_picture_outgrows_its_limit() -> None:
    fax = make_bilevel(draw((1728, 1100), letters=30))
    assert enhance(fax, row_factor=2.0, pixels_max=3_000_000).size == fax.size
    small = draw((500, 707), letters=12)
    assert enhance(small, pixels_max=1_000_000) is small


@pytest.mark.parametrize("size", [(1, 65_000), (65_000, 1), (3, 3), (801, 2), (9, 17)])
def test_no_shape_is_too_odd(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    better = enhance(Image.fromarray(noise), row_factor=2.0, pixels_max=1_000_000)
    assert better.width * better.height <= 1_000_000


def test_no_repairs_change_nothing() -> None:
    page = draw()
    assert apply_repairs(page, NONE) is page
