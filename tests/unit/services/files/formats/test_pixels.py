"""Sizes and ink."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from ironleaf.document import RenderSpec
from ironleaf.services.files.formats.pixels import fit_size, measure_ink


def page(text: str = "", *, paper: int = 255, ink: int = 0) -> np.ndarray:
    picture = Image.new("L", (1654, 2339), paper)
    ImageDraw.Draw(picture).text((200, 200), text, font=ImageFont.load_default(size=33), fill=ink)
    return np.asarray(picture)


@pytest.mark.parametrize("paper", [0, 128, 255])
def test_an_empty_page_has_no_ink(paper: int) -> None:
    assert measure_ink(page(paper=paper)) == 0.0


def test_paper_grain_is_no_ink() -> None:
    grain = np.random.default_rng(1).normal(235, 6, (1200, 900)).clip(0, 255).astype(np.uint8)
    assert measure_ink(grain) < 0.0005


def test_a_single_word_is_seen() -> None:
    assert measure_ink(page("Hello")) > 0.0003


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (0, 255), (240, 150)])
def test_a_full_page_is_mostly_told_by_its_text(paper: int, ink: int) -> None:
    text = "\n".join(["the quick brown fox jumps over the lazy dog and so on"] * 40)
    assert 0.1 < measure_ink(page(text, paper=paper, ink=ink)) < 0.6


@pytest.mark.parametrize("shape", [(1, 1), (3, 5_000), (5_000, 3), (513, 1)])
def test_any_shape_can_be_measured(shape: tuple[int, int]) -> None:
    assert measure_ink(np.zeros(shape, np.uint8)) == 0.0


@given(st.integers(1, 65_500), st.integers(1, 65_500), st.none() | st.integers(1, 5_000))
def test_sizes_stay_within_every_limit(width: int, height: int, side: int | None) -> None:
    fitted = fit_size((width, height), RenderSpec(side_px_max=side), pixels_max=16_000_000)
    assert all(1 <= new <= old for new, old in zip(fitted, (width, height), strict=True))
    assert fitted[0] * fitted[1] <= max(16000000, *fitted)
    assert side is None or max(fitted) <= side


def test_a_small_picture_is_not_enlarged() -> None:
    assert fit_size((30, 20), RenderSpec(side_px_max=4_000), pixels_max=16_000_000) == (30, 20)
