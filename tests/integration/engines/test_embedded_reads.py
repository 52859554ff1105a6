"""The real networks on small rendered pages, with the network out of reach."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from pytest_socket import SocketBlockedError
from tests.fixtures.networks import load_aside

from ironleaf.services.engines.embedded.handler import RecogniseJob, build_recogniser
from ironleaf.services.engines.settings import EmbeddedSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ironleaf.document import PageResult

    Read = Callable[[Image.Image], PageResult]

LINES = ("The harbour wakes before the town does.", "Order 4471, total 1,289.50 EUR", "Nobody expected news.")


def draw(lines: Sequence[str], *, size: tuple[int, int] = (640, 160), ink: int = 20, paper: int = 250) -> Image.Image:
    picture = Image.new("RGB", size, (paper, paper, paper))
    pen = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        pen.text((20, 14 + 44 * number), line, font=ImageFont.load_default(26), fill=(ink, ink, ink))
    return picture


@pytest.fixture(scope="module")
def recogniser() -> Callable[[RecogniseJob], PageResult]:
    return load_aside(lambda: build_recogniser(EmbeddedSettings()))


@pytest.fixture
def read(recogniser: Callable[[RecogniseJob], PageResult], tmp_path: Path) -> Read:
    def run(picture: Image.Image) -> PageResult:
        path = tmp_path / "page.npy"
        np.save(path, np.asarray(picture, np.uint8))
        return recogniser(RecogniseJob(path=path))

    return run


def test_reads_without_a_network(read: Read, socket_disabled: None) -> None:
    assert socket_disabled is None
    with pytest.raises(SocketBlockedError), pytest.warns(UserWarning, match="socket"):
        socket.socket()
    load_aside(lambda: build_recogniser(EmbeddedSettings()))
    result = read(draw(LINES))
    assert result.text.split("\n") == list(LINES)
    assert result.confidence is not None
    assert result.confidence > 0.97
    assert (result.width_px, result.height_px, result.rotation_deg, result.warnings) == (640, 160, 0, ())


def test_light_on_dark(read: Read) -> None:
    assert read(draw(LINES[:1], size=(640, 60), ink=240, paper=15)).text == LINES[0]


@pytest.mark.parametrize("turn_deg", [90, 180, 270])
def test_turned_pages_are_read_upright(read: Read, turn_deg: int) -> None:
    result = read(draw(LINES).rotate(turn_deg, expand=True))
    assert result.text.split("\n") == list(LINES)
    assert (result.rotation_deg, result.width_px, result.height_px) == (turn_deg, 640, 160)
    assert result.warnings == ("rotation-corrected",)
    region = result.blocks[0].region
    assert region is not None
    assert region.x0 == pytest.approx(20, abs=10)
    assert region.y0 == pytest.approx(18, abs=12)


def test_a_slanted_page_is_read(read: Read) -> None:
    slanted = draw(LINES, size=(680, 220)).rotate(
        6, expand=True, fillcolor=(250, 250, 250), resample=Image.Resampling.BICUBIC
    )
    assert read(slanted).text.split("\n") == list(LINES)


def test_when_time_ends_the_lines_read_so_far_come_back(
    recogniser: Callable[[RecogniseJob], PageResult], tmp_path: Path
) -> None:
    lines = [f"Item number {number} of the list" for number in range(12)]
    path = tmp_path / "page.npy"
    np.save(path, np.asarray(draw(lines, size=(420, 560)), np.uint8))
    result = recogniser(RecogniseJob(path=path, ends_at_s=0.0))
    read = [line for line in result.text.split("\n") if line]
    assert 1 <= len(read) < len(lines)
    assert set(read) < set(lines)
    assert "lines-left-out" in result.warnings


@pytest.mark.slow
def test_a_tall_page_loses_no_line(read: Read) -> None:
    lines = [f"Item number {number} of the list" for number in range(40)]
    assert read(draw(lines, size=(420, 1800))).text.split() == " ".join(lines).split()


@pytest.mark.slow
def test_a_long_line_is_read_to_its_end(read: Read) -> None:
    words = " ".join(f"word{number}" for number in range(56))
    assert read(draw([words], size=(5600, 60))).text == words


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 900), (900, 1), (33, 17), (300, 200)])
def test_blank_pictures_of_any_size_give_nothing(read: Read, size: tuple[int, int]) -> None:
    result = read(Image.new("RGB", size, (255, 255, 255)))
    assert (result.text, result.blocks, result.confidence) == ("", (), None)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 900), (900, 1), (13, 169), (169, 13), (40, 30)])
def test_noise_of_any_size_does_no_harm(read: Read, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(7).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    assert len(read(Image.fromarray(noise)).text) < 40


def test_stripes_are_no_writing(read: Read) -> None:
    picture = Image.new("RGB", (400, 240), (255, 255, 255))
    for top in (40, 120, 200):
        picture.paste((20, 20, 20), (0, top, 400, top + 20))
    assert read(picture).warnings == ()
