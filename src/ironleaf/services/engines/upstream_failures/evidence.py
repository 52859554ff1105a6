"""From an answer in any shape to the few facts that rules look at.

Servers wrap errors in JSON objects of many shapes, in Python's notation of them,
in JSON inside JSON, in event streams, in HTML pages or in nothing at all. The
words stay the same, so all wrapping is taken off instead of being parsed: escapes
are undone, tags removed, and ``key: value`` pairs picked from what is left. That
also works on cut and on broken bodies.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ironleaf.services.engines.upstream_failures.base import UpstreamAnswer

HEAD_CHARACTERS_MAX: Final = 24_000
"""The meaning stands at the beginning ..."""
TAIL_CHARACTERS_MAX: Final = 6_000
"""... or, in a traceback or a stream, at the end."""
NO_STATUS: Final = 0
"""Stands for "no answer at all" where rules list statuses."""
ESCAPE_DEPTH_MAX: Final = 4
"""Gateways in front of gateways: three levels were seen, one is kept in reserve."""

_BLOB = re.compile(r"[A-Za-z0-9+/=_-]{256,}")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_HTML = re.compile(r"<(?:!doctype html|html|head|body|title|center|h1)\b", re.IGNORECASE)
_HIDDEN = re.compile(r"<(script|style)\b[^>]{0,400}>.*?</\1>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[a-z!][^<>]{0,400}>", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_SAME: Final = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "`": "'", "\u00a0": " ", "…": "..."})
_FIELD = re.compile(
    r"[\"']?\b(code|type|status|reason|error|error_?code|error_?type|err_?code|status_?code|block_?reason"
    r"|finish_?reason|__type|name|title|ret_?code|errno|param)[\"']?\s?[:=]\s?[\"']?([a-z0-9_./-]{1,80})"
)
_STATUS = re.compile(
    r"(?:^[\"'\[(]?|error code: |error code=|status(?: code)?[:= ]{1,2}|status code "
    r"|http(?: error| status)?[ :]{1,2}|\[|<"
    r"|api error[: (]{1,2}|code[\"']?: [\"']?|code=|http/1\.[01] )([1-5]\d\d)(?=\D|$)"
)
_STATUS_KEYS: Final = frozenset({"code", "status", "status_code", "statuscode", "error_code", "errorcode", "param"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the rules see. Private: it holds the answer's own words."""

    text: str
    """The words: lower case, one space between them, no wrapping."""
    codes: frozenset[str]
    """Values of fields such as ``code`` and ``type``, lower case."""
    status: int | None
    """What HTTP said."""
    inner_status: int | None
    """What the body says, where it names a status of 400 or more."""
    exception: str
    """The client exception's class name, lower case, or an empty string."""
    is_html: bool

    @property
    def statuses(self) -> frozenset[int]:
        """What HTTP said (`NO_STATUS` where it said nothing) and what the body says."""
        return frozenset((self.status or NO_STATUS, self.inner_status or self.status or NO_STATUS))


def gather_evidence(answer: UpstreamAnswer) -> Evidence:
    """Return the facts of ``answer``. Never raises; time grows with the body's length only."""
    raw = _without_bulk(answer.body)
    is_html = _HTML.search(raw[:2_000]) is not None
    text = _plain_words(raw)
    fields = _FIELD.findall(text)
    return Evidence(
        text=text,
        codes=frozenset(value.strip(".-/") for _, value in fields),
        status=answer.http_status,
        inner_status=_inner_status(text, fields),
        exception=(answer.exception or "")[:200].lower(),
        is_html=is_html,
    )


def _without_bulk(body: str) -> str:
    if len(body) > HEAD_CHARACTERS_MAX + TAIL_CHARACTERS_MAX:
        body = f"{body[:HEAD_CHARACTERS_MAX]} {body[-TAIL_CHARACTERS_MAX:]}"
    return _BLOB.sub(" ", body)


def _plain_words(raw: str) -> str:
    text = raw
    for _ in range(ESCAPE_DEPTH_MAX):
        if "\\" not in text:
            break
        text = _ESCAPE.sub(_unescape, text)
    if "<" in text:
        text = _TAG.sub(" ", _HIDDEN.sub(" ", text))
    if "&" in text:
        text = html.unescape(text)
    return _SPACE.sub(" ", text.translate(_SAME)).strip().lower()


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return " " if match[2] in "nrt" else match[2]


def _inner_status(text: str, fields: list[tuple[str, str]]) -> int | None:
    for key, value in fields:
        if key in _STATUS_KEYS and re.fullmatch(r"[45]\d\d", value):
            return int(value)
    for match in _STATUS.finditer(text[:4_000]):
        if match[1] >= "400":
            return int(match[1])
    return None
