"""The public face of an error, made from its entry and typed details only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ironleaf.foundation.errors.detail import Detail, describe_detail
from ironleaf.foundation.errors.entry import Kind, Level

if TYPE_CHECKING:
    from ironleaf.foundation.errors.entry import Entry, Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What a caller is told. Travels in error envelopes, in failed pages and in stored records."""

    code: int
    reason: str
    kind: Kind
    level: Level
    message: str
    retryable: bool
    retry_after_s: int | None
    doc_url: str
    details: tuple[Detail, ...]


def make_problem(
    entry: Entry,
    *,
    language: Language = "en",
    details: tuple[Detail, ...] = (),
    retry_after_s: float | None = None,
) -> Problem:
    """Return the public face of ``entry``.

    A single detail's numbers are said in the message too; several are left to
    ``details``.
    """
    return Problem(
        code=entry.code,
        reason=entry.reason,
        kind=entry.kind,
        level=entry.level,
        message=_sentence(entry, details, language),
        retryable=entry.retryable,
        retry_after_s=None if retry_after_s is None else max(1, math.ceil(retry_after_s)),
        doc_url=entry.doc_url,
        details=details,
    )


def _sentence(entry: Entry, details: tuple[Detail, ...], language: Language) -> str:
    sentence = entry.message.in_language(language)
    facts = describe_detail(details[0], language) if len(details) == 1 else ""
    if not facts:
        return sentence
    return f"{sentence}（{facts}）" if language == "zh" else f"{sentence} ({facts})"
