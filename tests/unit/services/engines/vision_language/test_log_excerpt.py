from __future__ import annotations

from ironleaf.services.engines.vision_language.excerpt import EXCERPT_CHARACTERS_MAX, make_excerpt


def test_images_keys_and_length_are_taken_out() -> None:
    body = "bad input: data:image/png;base64," + "QUJD" * 5_000 + " key sk-abcdef123456 Bearer abcdef.123 and my-word"
    excerpt = make_excerpt(body, secrets=("my-word", ""))
    assert "QUJD" not in excerpt
    assert "abcdef" not in excerpt
    assert "my-word" not in excerpt
    assert excerpt.startswith("bad input: data:image/png;base64,(data)")


def test_a_long_body_is_cut() -> None:
    assert len(make_excerpt("word " * 100_000)) == EXCERPT_CHARACTERS_MAX
