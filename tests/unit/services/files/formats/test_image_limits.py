"""Frames, bombs and damage: refused by name, from the head where it can be, and read as far as it is right to."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from ironleaf.document import RenderSpec
from ironleaf.foundation.errors import IronleafError, Unit
from ironleaf.services.files.settings import FileLimits

if TYPE_CHECKING:
    from pathlib import Path


def noise(width: int, height: int) -> Image.Image:
    samples = np.random.default_rng(7).integers(60, 200, (height, width, 3), np.uint8)
    return Image.fromarray(samples)


def frames(count: int, size: tuple[int, int] = (60, 40)) -> list[Image.Image]:
    return [Image.new("RGB", size, (10 + 20 * (number % 10), 90, 90)) for number in range(count)]


def save_frames(path: Path, pictures: list[Image.Image], kind: str, **options: object) -> None:
    pictures[0].save(path, format=kind, save_all=True, append_images=pictures[1:], **options)


def refused(bench: Any, path: Path, file_format: str, **options: Any) -> IronleafError:
    with pytest.raises(IronleafError) as caught:
        bench.open(path, file_format, **options)
    return caught.value


def png_head(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP", "AVIF", "HEIF"])
def test_every_frame_is_a_page(tmp_path: Path, bench: Any, kind: str) -> None:
    path, file_format = tmp_path / "in", "heic" if kind == "HEIF" else kind.lower()
    pictures = frames(4)
    save_frames(path, pictures, kind, **({} if kind == "HEIF" else {"duration": 100} if kind != "TIFF" else {}))
    assert bench.open(path, file_format).page_count == 4
    for number in (1, 2, 4, 3):
        assert bench.describe(path, file_format, number).width_px == 60
        pixels, _ = bench.render(path, file_format, number)
        wanted = np.asarray(pictures[number - 1])[20, 30]
        assert np.abs(pixels[20, 30].astype(int) - wanted).max() <= 8


def test_frames_of_a_fax_have_their_own_sizes(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in"
    pictures = [Image.new("1", size, 1) for size in ((200, 300), (100, 150))]
    save_frames(path, pictures, "TIFF", compression="group4")
    assert [bench.describe(path, "tiff", number).height_px for number in (1, 2)] == [300, 150]
    assert bench.render(path, "tiff", 2)[0].shape == (150, 100, 3)


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP"])
def test_too_many_frames_are_refused_with_their_number(tmp_path: Path, make_bench: Any, kind: str) -> None:
    path = tmp_path / "in"
    save_frames(path, frames(5), kind)
    bench = make_bench(frames_max=4)
    error = refused(bench, path, kind.lower())
    assert error.entry.reason == "too-many-frames"
    detail = error.details[0]
    assert (detail.limit, detail.actual, detail.unit) == (4, 5, Unit.FRAMES)
    assert bench.open(path, kind.lower(), whole=False).page_count == 5


def test_all_frames_together_have_a_limit(tmp_path: Path, make_bench: Any) -> None:
    path = tmp_path / "in"
    save_frames(path, frames(5), "GIF")
    error = refused(make_bench(files=FileLimits(document_pixels_max=11_999)), path, "gif")
    assert (error.entry.reason, error.details[0].actual) == ("document-too-large", 12_000)


def test_a_png_animation_is_one_page(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in"
    save_frames(path, frames(3), "PNG")
    assert bench.open(path, "png").page_count == 1


def test_a_frame_that_is_not_there_is_damage(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in"
    save_frames(path, frames(2), "TIFF")
    with pytest.raises(IronleafError) as caught:
        bench.render(path, "tiff", 3)
    assert caught.value.entry.reason == "damaged-image"
    assert caught.value.details[0].page == 3


def bombs() -> list[tuple[str, bytes, int]]:
    """Heads that declare too much, with hardly a byte behind them."""
    bmp = b"BM" + struct.pack("<IHHI", 70, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 200_000, 90_000, 1, 24, *[0] * 6)
    gif = b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0, 0, 0) + b"," + struct.pack("<HHHHB", 0, 0, 65_000, 65_000, 0)
    vp8x = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + (16_382).to_bytes(3, "little") * 2
    webp = b"RIFF" + struct.pack("<I", 4 + len(vp8x) + 8) + b"WEBP" + vp8x + b"VP8 \0\0\0\0"
    lossless = b"VP8L" + struct.pack("<I", 8) + b"\x2f" + (16_382 | 16_382 << 14).to_bytes(4, "little") + b"\0" * 9
    return [
        ("png", png_head(65_536, 65_536) + b"\0\0\0\x04IDAT", 65_536**2),
        ("bmp", bmp, 200_000 * 90_000),
        ("gif", gif + b"\x02\0;", 65_000**2),
        ("webp", webp, 16_383**2),
        ("webp", b"RIFF" + struct.pack("<I", 4 + len(lossless)) + b"WEBP" + lossless, 16_383**2),
    ]


@pytest.mark.parametrize(("file_format", "data", "pixels"), bombs(), ids=["png", "bmp", "gif", "webp", "webp-lossless"])
def test_bombs_are_refused_from_the_head(
    tmp_path: Path, bench: Any, file_format: str, data: bytes, pixels: int
) -> None:
    path = tmp_path / "in"
    path.write_bytes(data)
    error = refused(bench, path, file_format)
    assert error.entry.reason == "page-too-large"
    detail = error.details[0]
    assert (detail.page, detail.limit, detail.actual, detail.unit) == (1, 100_000_000, pixels, Unit.PIXELS)


def test_one_large_frame_costs_itself_only(tmp_path: Path, make_bench: Any) -> None:
    path = tmp_path / "in"
    pictures = [Image.new("1", size, 1) for size in ((50, 50), (400, 400), (60, 60))]
    save_frames(path, pictures, "TIFF")
    bench = make_bench(page_pixels_max=100_000)
    assert bench.open(path, "tiff").page_count == 3
    with pytest.raises(IronleafError) as caught:
        bench.describe(path, "tiff", 2)
    assert (caught.value.entry.reason, caught.value.details[0].page) == ("page-too-large", 2)
    assert bench.describe(path, "tiff", 3).width_px == 60


def test_a_long_side_has_a_limit_of_its_own(tmp_path: Path, make_bench: Any) -> None:
    path = tmp_path / "in"
    Image.new("L", (1000, 2)).save(path, format="PNG")
    error = refused(make_bench(side_pixels_max=900), path, "png")
    assert (error.entry.reason, error.details[0].actual) == ("side-too-long", 1000)


def test_large_pictures_are_shrunk_and_say_so(tmp_path: Path, make_bench: Any) -> None:
    path = tmp_path / "in"
    noise(800, 600).save(path, format="JPEG")
    bench = make_bench(raster_pixels_max=120_000)
    assert bench.describe(path, "jpeg").width_px == 800
    pixels, rendered = bench.render(path, "jpeg")
    assert pixels.shape == (300, 400, 3)
    assert rendered.notices == ("image-downscaled",)


def test_what_an_engine_asks_for_is_no_warning(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in"
    noise(800, 600).save(path, format="PNG")
    pixels, rendered = bench.render(path, "png", spec=RenderSpec(side_px_max=400, pixels_max=70_000))
    assert pixels.shape == (229, 305, 3)
    assert rendered.notices == ()


@pytest.mark.parametrize(("kind", "share"), [("JPEG", 0.8), ("PNG", 0.8), ("TIFF", 0.8), ("BMP", 0.8)])
def test_a_picture_that_ends_early_is_read_as_far_as_it_goes(
    tmp_path: Path, bench: Any, kind: str, share: float
) -> None:
    whole = io.BytesIO()
    noise(200, 300).save(whole, format=kind)
    path = tmp_path / "in"
    path.write_bytes(whole.getvalue()[: int(len(whole.getvalue()) * share)])
    if kind == "TIFF":  # its directory stands behind the pixels: put it first
        path.write_bytes(_tiff_with_directory_first(noise(200, 300), share))
    pixels, rendered = bench.render(path, kind.lower())
    assert pixels.shape == (300, 200, 3)
    assert rendered.notices == ("image-truncated",)
    white_rows = (pixels == 255).all(axis=(1, 2)).sum()
    assert 30 <= white_rows <= 90


def _tiff_with_directory_first(picture: Image.Image, share: float) -> bytes:
    pixels = picture.tobytes()
    entries = [
        (256, 3, 1, picture.width),
        (257, 3, 1, picture.height),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 150),
        (277, 3, 1, 3),
        (278, 3, 1, picture.height),
        (279, 4, 1, len(pixels)),
    ]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = (b"II*\0" + struct.pack("<I", 8) + directory + b"\0\0\0\0").ljust(150, b"\0")
    return head + pixels[: int(len(pixels) * share)]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP"])
def test_a_picture_that_is_mostly_missing_is_damaged(tmp_path: Path, bench: Any, kind: str) -> None:
    whole = io.BytesIO()
    noise(200, 300).save(whole, format=kind)
    path = tmp_path / "in"
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) // 5])
    with pytest.raises(IronleafError) as caught:
        bench.render(path, kind.lower())
    assert caught.value.entry.reason == "damaged-image"


@pytest.mark.parametrize("file_format", ["jpeg", "png", "webp", "tiff", "bmp", "gif", "heic", "avif"])
def test_junk_is_damage_and_no_word_of_a_library_is_public(tmp_path: Path, bench: Any, file_format: str) -> None:
    path = tmp_path / "in"
    path.write_bytes(bytes(range(256)) * 4)
    error = refused(bench, path, file_format)
    assert error.entry.reason == "damaged-image"
    assert str(error) == "damaged-image"


def test_a_wrong_checksum_is_no_early_end(tmp_path: Path, bench: Any) -> None:
    whole = io.BytesIO()
    noise(50, 50).save(whole, format="PNG")
    data = bytearray(whole.getvalue())
    data[data.index(b"IDAT") + 100] ^= 0xFF
    path = tmp_path / "in"
    path.write_bytes(bytes(data))
    with pytest.raises(IronleafError) as caught:
        bench.render(path, "png")
    assert caught.value.entry.reason == "damaged-image"


def test_tiny_pictures_are_taken_with_a_warning(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in"
    Image.new("RGB", (1, 1)).save(path, format="PNG")
    assert bench.describe(path, "png").notices == ("page-image-too-small",)
    assert bench.render(path, "png")[0].shape == (1, 1, 3)


def test_a_camera_file_with_a_second_picture_is_one_page(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in"
    save_frames(path, frames(2), "MPO")
    assert bench.open(path, "jpeg").page_count == 1
    assert bench.render(path, "jpeg")[0].shape == (40, 60, 3)
