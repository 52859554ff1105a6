"""A server's own words, made fit for our logs: short, without images and without keys."""

from __future__ import annotations

import re
from typing import Final

EXCERPT_CHARACTERS_MAX: Final = 600
"""Enough for any error message; a body that repeats the whole request is cut."""
_BLOB = re.compile(r"[A-Za-z0-9+/_=-]{200,}")
_KEY = re.compile(r"\b(sk-|pk-|[Bb]earer )[A-Za-z0-9*._-]{6,}")


def make_excerpt(body: str, *, secrets: tuple[str, ...] = ()) -> str:
    """Return the beginning of ``body`` without base64, key-like words and ``secrets``."""
    text = body[: EXCERPT_CHARACTERS_MAX * 20]
    for secret in filter(None, secrets):
        text = text.replace(secret, "(secret)")
    text = _KEY.sub(r"\1(secret)", _BLOB.sub("(data)", text))
    return text[:EXCERPT_CHARACTERS_MAX]
