"""Which language and which format a caller would like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ironleaf.foundation.errors import Language

HEADER_ITEMS_MAX: Final = 32
"""Browsers send fewer than ten; the rest of a longer list is not looked at."""

PROBLEM_JSON: Final = "application/problem+json"
JSON: Final = "application/json"


def _weighted(header: str) -> Iterator[tuple[str, float]]:
    """Yield each item of an Accept-like header with its weight; a broken weight counts as zero."""
    for item in header.split(",")[:HEADER_ITEMS_MAX]:
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                weight = _weight(parameter[2:])
        if name:
            yield name, weight


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0


def choose_language(accept_language: str | None, *, default: Language = "en") -> Language:
    """Return the product's language that the caller likes best. Every kind of Chinese is ``zh``."""
    best: tuple[float, Language] | None = None
    for name, weight in _weighted(accept_language or ""):
        language = _language(name, default)
        if language is not None and weight > 0.0 and (best is None or weight > best[0]):
            best = (weight, language)
    return best[1] if best is not None else default


def _language(name: str, default: Language) -> Language | None:
    if name == "*":
        return default
    primary = name.split("-", 1)[0]
    if primary == "zh":
        return "zh"
    return "en" if primary == "en" else None


def wants_problem_json(accept: str | None) -> bool:
    """Tell whether the caller named RFC 9457's type and likes it no less than plain JSON."""
    weights = dict(_weighted(accept or ""))
    problem = weights.get(PROBLEM_JSON, 0.0)
    return problem > 0.0 and problem >= weights.get(JSON, 0.0)
