from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ironleaf.document import ImageEncoding
from ironleaf.services.engines.profiles import ProfileError, ReplyForm, list_profiles, load_profile

if TYPE_CHECKING:
    from pathlib import Path

GOOD = 'source = "s"\nprompt = "p"\nreply_form = "plain"\nside_px_max = 1000\npixels_max = 900000\nmax_tokens = 100\n'


def test_the_promised_families_are_there() -> None:
    assert {"generic", "qwen-vl", "olmocr"} <= set(list_profiles())


@pytest.mark.parametrize("name", list_profiles())
def test_every_family_is_well_formed_and_says_its_source(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert len(profile.source) > 40
    assert profile.pixels_max <= profile.side_px_max**2
    assert len(profile.prompt) <= 4_000
    assert profile.encoding is not ImageEncoding.RAW_RGB


def test_a_new_family_is_one_file_and_goes_before_a_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "my-model.toml").write_text(GOOD)
    (tmp_path / "generic.toml").write_text(GOOD)
    assert load_profile("my-model", tmp_path).reply_form is ReplyForm.PLAIN
    assert load_profile("generic", tmp_path).side_px_max == 1000
    assert load_profile("generic").side_px_max != 1000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not toml", "cannot be read"),
        (GOOD + 'colour = "red"\n', "no field colour"),
        (GOOD.replace('prompt = "p"\n', ""), "lacks prompt"),
        (GOOD.replace("1000", '"wide"'), "side_px_max is of the wrong kind"),
        (GOOD.replace("1000", "1000.5"), "side_px_max is of the wrong kind"),
        (GOOD.replace('"p"', "7"), "prompt is of the wrong kind"),
        (GOOD + 'image_first = "no"\n', "image_first is of the wrong kind"),
        (GOOD.replace("plain", "rtf"), "reply_form is none of the values"),
        (GOOD + "temperature = 9\n", "temperature is out of its range"),
        (GOOD + "top_p = 1.5\n", "top_p is out of its range"),
        (GOOD + 'encoding = "raw_rgb"\n', "encoding is out of its range"),
        (GOOD.replace("1000", "100000"), "side_px_max is out of its range"),
        (GOOD.replace("max_tokens = 100", "max_tokens = 10000000"), "max_tokens is out of its range"),
        (GOOD + 'language_hint = "In: {languages} {languages}"\n', "language_hint is out of its range"),
        (GOOD + "clean_up = 5\n", "clean_up is none of the values"),
        (GOOD.replace("max_tokens = 100", ""), "profile: mine lacks max_tokens"),
    ],
)
def test_a_broken_file_says_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ProfileError, match=says):
        load_profile("mine", tmp_path)


@pytest.mark.parametrize("name", ["none", "../base", "", "generic.toml"])
def test_an_unknown_name_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(ProfileError, match="must be one of generic, olmocr, qwen-vl"):
        load_profile(name)
