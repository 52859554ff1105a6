"""Detection, cutting and decoding, on made-up numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ironleaf.foundation.errors import ModelFailure
from ironleaf.services.engines.embedded.detection import (
    OVERLAP_PX,
    TILE_PX,
    DetectionLimits,
    choose_factor,
    cut_pieces,
    find_islands,
)
from ironleaf.services.engines.embedded.picture import cut_out, order_corners, turn_picture, turn_quad
from ironleaf.services.engines.embedded.recognition import Seam, decode, find_seams, join_readings, measure_unread
from ironleaf.services.engines.embedded.weights import DETECTION, find_folder, read_weights

if TYPE_CHECKING:
    from pathlib import Path

LIMITS = DetectionLimits(side_px_max=1280, side_px_min=736, lines_max=100)


def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


@given(st.integers(1, 60_000))
def test_pieces_cover_a_length_exactly_once(length_px: int) -> None:
    pieces = cut_pieces(length_px)
    assert [piece.kept_from_px for piece in pieces] == [0] + [piece.kept_to_px for piece in pieces[:-1]]
    assert pieces[-1].kept_to_px == length_px
    for piece in pieces:
        assert 0 <= piece.starts_px <= piece.kept_from_px < piece.kept_to_px <= piece.ends_px <= length_px
        assert piece.ends_px - piece.starts_px <= TILE_PX
    for before, after in pairwise(pieces):
        assert before.ends_px - after.starts_px >= OVERLAP_PX


@pytest.mark.parametrize(
    ("width_px", "height_px", "factor"),
    [
        (2560, 1280, 0.5),
        (1000, 1000, 1.0),
        (400, 400, 736 / 400),
        (200, 200, 2.0),
        (800, 8000, 0.8),
        (1570, 248, 1.0),
        (640, 480, 736 / 480),
    ],
)
def test_size_in_which_a_page_is_looked_at(width_px: int, height_px: int, factor: float) -> None:
    assert choose_factor(width_px, height_px, limits=LIMITS) == pytest.approx(factor)


def test_islands_are_found_and_grown() -> None:
    likelihood = np.zeros((100, 300), np.float32)
    likelihood[20:30, 50:250] = 0.9
    likelihood[60:70, 50:100] = 0.35  # too faint for a line
    likelihood[90:92, 10:12] = 0.9  # a speck
    (found,) = find_islands(likelihood, count_max=10)
    assert found[:, 0].min() < 50
    assert found[:, 0].max() > 250
    assert found[:, 1].min() < 20
    assert found[:, 1].max() > 30


def test_islands_are_bounded_in_number() -> None:
    likelihood = np.zeros((200, 200), np.float32)
    for row in range(10):
        likelihood[row * 20 : row * 20 + 8, 20:180] = 0.9
    assert len(find_islands(likelihood, count_max=4)) == 4


def test_corners_are_named_from_the_top_left() -> None:
    shuffled = box(10, 20, 110, 40)[[2, 0, 3, 1]]
    assert order_corners(shuffled).tolist() == box(10, 20, 110, 40).tolist()


@pytest.mark.parametrize("turn_deg", [0, 90, 180, 270])
def test_a_turned_quadrangle_holds_the_turned_pixels(turn_deg: int) -> None:
    picture = np.zeros((60, 100, 3), np.uint8)
    picture[10:20, 30:70] = 255
    quad = turn_quad(box(30, 10, 70, 20), turn_deg, width_px=100, height_px=60)
    strip = cut_out(turn_picture(picture, turn_deg), quad)
    assert sorted(strip.shape[:2]) == [10, 40]
    assert strip.min() == 255


def test_a_slanted_line_is_straightened() -> None:
    picture = np.zeros((200, 300, 3), np.uint8)
    quad = np.array([[50, 60], [250, 100], [246, 120], [46, 80]], np.float32)
    strip = cut_out(picture, quad)
    assert abs(strip.shape[1] - 204) <= 1
    assert abs(strip.shape[0] - 20) <= 1


def test_a_quadrangle_outside_the_picture_still_gives_a_strip() -> None:
    strip = cut_out(np.zeros((10, 10, 3), np.uint8), box(500, 500, 600, 520))
    assert strip.size > 0


def test_decoding_joins_repeats_and_drops_blanks() -> None:
    steps = np.full((6, 3), 0.05, np.float32)
    for step, index in enumerate([1, 1, 0, 1, 2, 0]):
        steps[step, index] = 0.9
    reading = decode(steps, characters=("", "a", "b"))
    assert reading.text == "aab"
    assert reading.steps == (0, 3, 4)
    assert reading.confidence == pytest.approx(0.9)


def test_spaces_do_not_count_as_certainty() -> None:
    steps = np.array([[0.0, 1.0, 0.0], [0.3, 0.1, 0.6]], np.float32)
    reading = decode(steps, characters=("", " ", "b"))
    assert reading.text == " b"
    assert reading.confidence == pytest.approx(0.6)
    assert decode(steps[:1], characters=("", " ", "b")).confidence == 0.0


def test_pieces_of_a_line_are_joined_with_a_space_between_words_only() -> None:
    latin = decode(np.array([[0.0, 1.0]], np.float32), characters=("", "a"))
    han = decode(np.array([[0.0, 1.0]], np.float32), characters=("", "会"))
    empty = decode(np.array([[1.0, 0.0]], np.float32), characters=("", "a"))
    gap, tight = Seam(400, spaced=True), Seam(400, spaced=False)
    assert join_readings([latin, latin], seams=[gap]).text == "a a"
    assert join_readings([latin, latin], seams=[tight]).text == "aa"
    assert join_readings([han, han], seams=[gap]).text == "会会"
    assert join_readings([latin, empty, latin], seams=[gap, gap]).text == "aa"
    assert join_readings([empty, empty], seams=[gap]).text == ""


def test_long_strips_are_cut_in_their_gaps() -> None:
    strip = np.full((48, 5000, 3), 255, np.uint8)
    for x in range(0, 5000, 20):
        strip[10:40, x : x + 14] = 0
    strip[:, 1650:1680] = 255
    seams = find_seams(strip)
    assert [abs(seam.at_px - 1665) < 20 for seam in seams[:1]] == [True]
    assert [seam.spaced for seam in seams] == [True, False]
    assert find_seams(strip[:, :2000]) == []


def test_ink_far_from_every_character_is_left_over() -> None:
    strip = np.full((48, 800, 3), 255, np.uint8)
    for x in range(20, 780, 20):
        strip[10:40, x : x + 8] = 0
    half = decode(np.eye(2, dtype=np.float32)[[1, 0] * 25 + [0] * 50], characters=("", "a"))
    assert measure_unread(strip, half) == pytest.approx(0.5, abs=0.08)
    assert measure_unread(np.zeros((48, 800, 3), np.uint8), half) == 0.0


def test_missing_weights_are_a_matter_for_a_person(tmp_path: Path) -> None:
    with pytest.raises(ModelFailure) as caught:
        read_weights(DETECTION, folder=tmp_path)
    assert caught.value.entry.reason == "model-files-damaged"


def test_other_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / DETECTION.name).write_bytes(b"not the file that was released")
    with pytest.raises(ModelFailure) as caught:
        read_weights(DETECTION, folder=tmp_path)
    assert caught.value.entry.reason == "model-files-damaged"


def test_the_installed_weights_are_the_released_ones() -> None:
    assert len(read_weights(DETECTION, folder=find_folder())) == 9_929_594
