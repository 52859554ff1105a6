"""From what a model said to a page's text, by the profile's rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from ironleaf.services.engines.profiles import CleanUp, ReplyForm
from ironleaf.services.engines.vision_language.completion import as_object, as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ironleaf.services.engines.profiles import Profile

_FENCE = re.compile(r"\A\s*(`{3,}|~{3,})[ \t]*[\w-]{0,20}[ \t]*\n(?P<inside>.*?)\n?[ \t]*\1[ \t]*\s*\Z", re.DOTALL)
_FENCE_LINE = re.compile(r"^[ \t]*(`{3,}|~{3,})", re.MULTILINE)
_THINKING = re.compile(r"\A\s*<think>.*?</think>\s*", re.DOTALL)
_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\n(?P<facts>.{0,2000}?)\n---[ \t]*(?:\n|\Z)(?P<text>.*)\Z", re.DOTALL)
_FACT = re.compile(r"^(?P<name>[a-z_]+)[ \t]*:[ \t]*(?P<value>[^\n]*?)[ \t]*$", re.MULTILINE)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_TRUE: Final = frozenset({"true", "yes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PageReply:
    """A page's text with what the model said about the page."""

    text: str
    language: str | None = None
    turn_deg: int = 0
    """The clockwise turn that the model asks for; 0 where the page is upright."""
    doubts: tuple[str, ...] = ()
    """Reasons from the closed list of warnings."""


def read_reply(raw: str, profile: Profile) -> PageReply:
    """Return the page's text. Never raises: an answer in another form is taken as plain text."""
    text = raw
    if CleanUp.THINKING in profile.clean_up:
        text = _THINKING.sub("", text)
    if CleanUp.OUTER_FENCE in profile.clean_up:
        text = _without_fence(text)
    if profile.reply_form is not ReplyForm.FRONT_MATTER:
        return PageReply(text=text.strip())
    return _read_json(text) or _read_front_matter(text) or PageReply(text=text.strip())


def _without_fence(text: str) -> str:
    match = _FENCE.match(text)
    # Exactly two fence lines: with more, the outer ones may be those of two separate blocks.
    if match is None or len(_FENCE_LINE.findall(text)) != 2:  # noqa: PLR2004
        return text
    return match["inside"]


def _read_front_matter(text: str) -> PageReply | None:
    match = _FRONT_MATTER.match(text)
    if match is None:
        return None
    facts = {fact["name"]: fact["value"].strip("\"'") for fact in _FACT.finditer(match["facts"])}
    return _with_facts(match["text"].strip(), facts)


def _read_json(text: str) -> PageReply | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        facts = as_object(orjson.loads(text))
    except orjson.JSONDecodeError:
        return None
    if "natural_text" not in facts:
        return None
    return _with_facts((as_text(facts["natural_text"]) or "").strip(), facts)


def _with_facts(text: str, facts: Mapping[str, Any]) -> PageReply:
    language = str(facts.get("primary_language", ""))
    turn = str(facts.get("rotation_correction", ""))
    is_upright = str(facts.get("is_rotation_valid", "true")).lower() in _TRUE
    turn_deg = int(turn) if not is_upright and turn in {"90", "180", "270"} else 0
    return PageReply(
        text=text,
        language=language if _LANGUAGE.fullmatch(language) else None,
        turn_deg=turn_deg,
    )
