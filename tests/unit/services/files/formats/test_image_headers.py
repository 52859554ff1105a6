"""Heads read by hand."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ironleaf.services.files.formats.image_headers import (
    count_tiff_frames,
    read_gif_head,
    read_tiff_size,
    read_webp_size,
)


def save(kind: str, *pictures: Image.Image, **options: object) -> io.BytesIO:
    data = io.BytesIO()
    more = {"save_all": True, "append_images": pictures[1:]} if len(pictures) > 1 else {}
    pictures[0].save(data, format=kind, **more, **options)
    data.seek(0)
    return data


@pytest.mark.parametrize("big", [False, True])
def test_tiff_directories_are_counted(big: bool) -> None:
    pictures = [Image.new("L", (30, 20), number) for number in range(5)]
    assert count_tiff_frames(save("TIFF", *pictures, big_tiff=big)) == 5
    assert read_tiff_size(save("TIFF", *pictures, big_tiff=big)) == (30, 20)


def test_a_ring_of_directories_ends() -> None:
    ring = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 0) + struct.pack("<I", 8)
    assert count_tiff_frames(io.BytesIO(ring)) == 1


def test_gif_frames_and_the_grown_canvas() -> None:
    head = read_gif_head(save("GIF", *[Image.new("L", (30, 20), number * 80) for number in range(3)]))
    assert (head.frames, head.width_px, head.height_px) == (3, 30, 20)


@pytest.mark.parametrize("lossless", [False, True])
def test_webp_canvas(lossless: bool) -> None:
    assert read_webp_size(save("WEBP", Image.new("RGB", (301, 77)), lossless=lossless)) == (301, 77)


@given(st.binary(max_size=200))
def test_nothing_is_raised_whatever_comes(junk: bytes) -> None:
    for start in (b"", b"II*\0", b"MM\0*", b"II+\0", b"GIF89a", b"RIFF\0\0\0\0WEBPVP8X"):
        data = start + junk
        count_tiff_frames(io.BytesIO(data))
        read_tiff_size(io.BytesIO(data))
        read_gif_head(io.BytesIO(data))
        read_webp_size(io.BytesIO(data))
