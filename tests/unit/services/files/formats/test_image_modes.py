"""Every way of storing colour comes out as opaque, upright, 8-bit RGB."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw

from ironleaf.document import ImageEncoding, RenderSpec
from ironleaf.foundation.errors import IronleafError

if TYPE_CHECKING:
    from pathlib import Path

WHITE, BLACK, RED = (255, 255, 255), (0, 0, 0), (255, 0, 0)


def paint(mode: str, size: tuple[int, int] = (120, 80), background: Any = "white", mark: Any = "black") -> Image.Image:
    """A picture with a mark in its top left quarter."""
    picture = Image.new(mode, size, background)
    ImageDraw.Draw(picture).rectangle((10, 10, size[0] // 2 - 10, size[1] // 2 - 10), fill=mark)
    return picture


def assert_marked(pixels: np.ndarray, mark: tuple[int, int, int], paper: tuple[int, int, int] = WHITE) -> None:
    height, width, channels = pixels.shape
    assert (pixels.dtype, channels) == (np.uint8, 3)
    assert np.abs(pixels[height // 4, width // 4].astype(int) - mark).max() <= 12
    assert np.abs(pixels[height * 3 // 4, width * 3 // 4].astype(int) - paper).max() <= 12


@pytest.mark.parametrize(
    ("mode", "kind", "suffix"),
    [
        ("RGB", "JPEG", "jpeg"),
        ("L", "JPEG", "jpeg"),
        ("1", "PNG", "png"),
        ("L", "PNG", "png"),
        ("LA", "PNG", "png"),
        ("P", "PNG", "png"),
        ("RGBA", "PNG", "png"),
        ("RGB", "WEBP", "webp"),
        ("RGB", "BMP", "bmp"),
        ("1", "BMP", "bmp"),
        ("P", "GIF", "gif"),
        ("RGB", "TIFF", "tiff"),
        ("1", "TIFF", "tiff"),
        ("LAB", "TIFF", "tiff"),
        ("YCbCr", "TIFF", "tiff"),
        ("RGB", "AVIF", "avif"),
        ("RGB", "HEIF", "heic"),
    ],
)
def test_black_on_white_stays_so(tmp_path: Path, bench: Any, mode: str, kind: str, suffix: str) -> None:
    path = tmp_path / "in"
    picture = paint("RGB").convert("L" if mode in {"1", "L", "LA"} else "RGB")
    if mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        picture = ImageCms.profileToProfile(picture, ImageCms.createProfile("sRGB"), lab, outputMode="LAB")
    else:
        picture = picture.convert(mode)
    picture.save(path, format=kind)
    assert bench.open(path, suffix).page_count == 1
    info = bench.describe(path, suffix)
    assert (info.width_px, info.height_px, info.rotation_deg) == (120, 80, 0)
    pixels, _ = bench.render(path, suffix)
    assert pixels.shape == (80, 120, 3)
    assert_marked(pixels, BLACK)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_print_colours_are_converted(tmp_path: Path, bench: Any, kind: str) -> None:
    path = tmp_path / "in"
    paint("CMYK", background=(0, 0, 0, 0), mark=(0, 255, 255, 0)).save(path, format=kind)
    pixels, rendered = bench.render(path, kind.lower())
    assert_marked(pixels, RED)
    assert "cmyk-converted" in rendered.notices


@pytest.mark.parametrize(("top", "suffix"), [(65535, "png"), (4095, "tiff"), (65535, "tiff")])
def test_sixteen_bits_are_scaled_by_their_own_range(tmp_path: Path, bench: Any, top: int, suffix: str) -> None:
    samples = np.full((80, 120), top, np.uint16)
    samples[10:30, 10:50] = 0
    samples[50:70, 10:50] = top // 2
    path = tmp_path / "in"
    Image.fromarray(samples).save(path, format=suffix.upper())
    pixels, rendered = bench.render(path, suffix)
    assert_marked(pixels, BLACK)
    assert abs(int(pixels[60, 30, 0]) - 127) <= 1
    assert "depth-reduced" in rendered.notices


@pytest.mark.parametrize("top", [1.0, 255.0, 40_000.0])
def test_floats_are_scaled(tmp_path: Path, bench: Any, top: float) -> None:
    samples = np.full((80, 120), top, np.float32)
    samples[10:30, 10:50] = 0
    samples[0, 0] = np.nan
    path = tmp_path / "in"
    Image.fromarray(samples).save(path, format="TIFF")
    pixels, _ = bench.render(path, "tiff")
    assert pixels[20, 30, 0] == 0
    assert pixels[60, 90, 0] >= 155  # 40,000 of 65,535


def test_dark_text_on_nothing_gets_white_paper(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.png"
    paint("RGBA", background=(0, 0, 0, 0), mark=(0, 0, 0, 255)).save(path)
    pixels, rendered = bench.render(path, "png")
    assert_marked(pixels, BLACK)
    assert rendered.notices == ("alpha-flattened",)


def test_light_text_on_nothing_gets_dark_paper(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.png"
    paint("RGBA", background=(255, 255, 255, 0), mark=(255, 255, 255, 255)).save(path)
    pixels, _ = bench.render(path, "png")
    assert_marked(pixels, WHITE, paper=BLACK)


def test_a_broken_profile_harms_nothing(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.jpg"
    paint("RGB").save(path, icc_profile=b"no profile at all")
    pixels, rendered = bench.render(path, "jpeg")
    assert_marked(pixels, BLACK)
    assert rendered.notices == ("icc-ignored",)


def test_a_plain_screen_profile_is_left_alone(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.jpg"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    paint("RGB").save(path, icc_profile=profile)
    assert bench.render(path, "jpeg")[1].notices == ()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_every_orientation_comes_out_upright(tmp_path: Path, bench: Any, kind: str, orientation: int) -> None:
    upright = paint("RGB", (160, 96))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Transpose members that turn it away
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[274] = orientation
    path = tmp_path / "in"
    stored.save(path, format=kind, exif=exif)
    info = bench.describe(path, kind.lower())
    assert (info.width_px, info.height_px) == (160, 96)
    assert info.rotation_deg == {1: 0, 2: 0, 3: 180, 4: 180, 5: 270, 6: 90, 7: 90, 8: 270}[orientation]
    assert ("exif-orientation-applied" in info.notices) == (orientation != 1)
    pixels, _ = bench.render(path, kind.lower())
    assert pixels.shape == (96, 160, 3)
    assert_marked(pixels, BLACK)


def test_corrupt_exif_harms_nothing(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.jpg"
    paint("RGB").save(path, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\x03junk" * 4)
    assert bench.describe(path, "jpeg").rotation_deg == 0
    assert_marked(bench.render(path, "jpeg")[0], BLACK)


def test_a_turn_can_be_asked_for(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.png"
    paint("RGB").save(path)
    pixels, rendered = bench.render(path, "png", spec=RenderSpec(rotation_deg=90))
    assert (rendered.image.width_px, rendered.image.height_px) == (80, 120)
    assert tuple(pixels[30, 60]) == BLACK  # what was top left is top right now


@pytest.mark.parametrize("encoding", ["jpeg", "png"])
def test_other_encodings_are_readable_files(tmp_path: Path, bench: Any, encoding: str) -> None:
    path = tmp_path / "in.png"
    paint("RGB").save(path)
    _, rendered = bench.render(path, "png", spec=RenderSpec(encoding=ImageEncoding(encoding), side_px_max=60))
    data = rendered.image.path.read_bytes()
    assert len(data) == rendered.image.bytes
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.mode, picture.size) == (encoding.upper(), "RGB", (60, 40))


def test_premultiplied_grey_is_read(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in"
    picture = paint("LA", background=(255, 255), mark=(0, 255))
    picture.save(path, format="TIFF")
    kind = b"\x52\x01\x03\0\1\0\0\0%c\0"  # of the second sample: plain alpha is 2, premultiplied is 1
    path.write_bytes(path.read_bytes().replace(kind % 2, kind % 1))
    with Image.open(path) as stored:
        assert stored.mode == "La"
    pixels, _ = bench.render(path, "tiff")
    assert_marked(pixels, BLACK)


@pytest.mark.parametrize("frames", [1, 2])
def test_only_the_first_picture_of_an_animated_png_is_read_and_that_is_told(
    tmp_path: Path, bench: Any, frames: int
) -> None:
    pictures = [paint("RGB"), paint("RGB", mark="red")][:frames]
    pictures[0].save(tmp_path / "in", format="PNG", save_all=True, append_images=pictures[1:])
    opened = bench.open(tmp_path / "in", "png")
    assert opened.page_count == 1
    assert opened.notices == (("frames-skipped",) if frames == 2 else ())
    assert_marked(bench.render(tmp_path / "in", "png")[0], BLACK)


@pytest.mark.parametrize("compression", [9, 10, 34_712, 65_535])
def test_a_tiff_in_a_compression_that_nobody_knows_is_damaged_and_not_blank(
    compression: int, tmp_path: Path, bench: Any
) -> None:
    tags = ((256, 60), (257, 40), (258, 8), (259, compression), (262, 1), (273, 122), (277, 1), (278, 40), (279, 2_400))
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    head += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags) + bytes(4)
    path = tmp_path / "in.tiff"
    path.write_bytes(head + bytes(range(256)) * 10)
    with pytest.raises(IronleafError) as caught:
        bench.describe(path, "tiff")
    assert caught.value.entry.reason == "damaged-image"
