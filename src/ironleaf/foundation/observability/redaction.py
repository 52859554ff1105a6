"""Keeps secrets, personal numbers and page content out of everything that is written down.

Works on values: a key is a key under whatever name it travels. Names help only
where a value has no shape of its own (``password=plain``). What is masked is
replaced by a word in angle brackets that says what stood there.
"""

from __future__ import annotations

import base64
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Final, cast

from ironleaf.foundation.observability.stacks import say_error

VALUE_CHARACTERS_MAX: Final = 1_000
"""Longer strings are cut: nothing that helps an operator is longer, and page content is."""
DEPTH_MAX: Final = 6
"""Nesting of a log event's values; deeper ones are dropped, cycles included."""
ITEMS_MAX: Final = 100
"""Items kept of a list or mapping."""
KNOWN_SECRET_CHARACTERS_MIN: Final = 6
"""Shorter configured secrets would mask ordinary words."""
SCANNED_CHARACTERS_MIN: Final = 6
"""No shape below is shorter."""

_SENSITIVE_WORDS: Final = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|"
    r"authorization|auth|cookie|session(?:[_-]?id)?|signature|密码|口令|密钥|令牌)"
)
_SECRET_KEY: Final = re.compile(r"(?:^|[_.-])" + _SENSITIVE_WORDS + r"s?$", re.IGNORECASE)
_CONTENT_KEY: Final = re.compile(r"^(?:text|content|body|prompt|page_text|markdown|html|payload|locals|vars)$")

_KEY_PREFIXES: Final = (
    r"(?:sk|pk|rk|xai|gsk|hf|ghp|gho|ghs|github_pat|glpat|npm|xox[abpors]|AKIA|ASIA|AIza|LTAI|dapi|il)"
)
_SHAPES: Final = (
    # data URIs and base64 blobs: pictures of pages, keys, certificates
    ("blob", r"data:[\w.+-]+/[\w.+-]+;base64,[A-Za-z0-9+/=_-]+"),
    ("key", r"-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|\Z)"),
    # scheme://user:secret@host
    ("credentials", r"(?<=://)[^\s/@'\"]*:[^\s/@'\"]*@|(?<=://)[^\s/@:'\"]+@"),
    ("token", r"\bey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
    ("token", r"(?i:\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{6,}"),
    ("key", r"\b" + _KEY_PREFIXES + r"[-_]?[A-Za-z0-9_-]*[0-9A-Za-z]{12,}"),
    (
        "secret",
        r"(?i:\b[\w.-]{0,40}?"
        + _SENSITIVE_WORDS
        + r"[\"']?\s*[=:]\s*)(?:\"[^\"]*\"|'[^']*'|(?i:bearer |basic )?[^\s,;&'\"\])}]+)",
    ),
    ("email", r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"),
    # personal numbers: Chinese identity card, payment cards, mainland mobile numbers, IBAN
    (
        "number",
        r"(?<![A-Za-z0-9.])[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])\d{3}[\dXx](?![A-Za-z0-9])",
    ),
    ("number", r"(?<![A-Za-z0-9_.-])(?:\d[ -]?){12,18}\d(?![A-Za-z0-9_-])"),
    ("number", r"(?<![A-Za-z0-9_.])(?:\+?86[ -]?)?1[3-9]\d{9}(?![A-Za-z0-9_])"),
    ("number", r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"),
    ("blob", r"(?<![\w/+])(?=[\w/+-]*\d)(?=[\w/+-]*[a-z])(?=[\w/+-]*[A-Z])[A-Za-z0-9+/_-]{40,}={0,2}"),
)
_ADDRESS_FORMS: Final = (
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?(?![\w.])",
    r"\[[0-9a-fA-F:]{3,}\](?::\d{1,5})?",
    r"\b(?:[a-z0-9-]+\.)*[a-z][a-z0-9-]*:\d{2,5}\b",
)
_ADDRESS: Final = ("address", "|".join(_ADDRESS_FORMS))
_HINTS: Final = re.compile(r"[@=:+/]|-----|(?i:basic|bearer)\s|\d{4}|ey[A-Za-z0-9_-]{8}|[A-Za-z0-9_-]{16}|[密口令]")
"""What every shape contains; a quick no for the many values that are plain words."""
_OUR_NAMES: Final = frozenset({"time", "level", "request_id", "job_id", "fingerprint", "code", "error_level", "kind"})
"""Fields that only our own code fills, from closed lists, clocks and counters: not looked at."""
_REMEMBERED_VALUES_MAX: Final = 4_096
_REMEMBERED_CHARACTERS_MAX: Final = 120
"""Short strings come again and again (event names, routes, engines): their verdict is kept."""


class Redactor:
    """Masks a value, a string or a whole log event. Never raises, never returns more than it was given.

    ``secrets`` are values that the process knows to be secret (configured keys);
    they are masked wherever they stand, also percent-encoded or in base64.
    """

    def __init__(self, *, secrets: Iterable[str] = (), hide_addresses: bool = False) -> None:
        known = tuple(_encodings(secret) for secret in secrets if len(secret) >= KNOWN_SECRET_CHARACTERS_MIN)
        forms = sorted({form for group in known for form in group}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, forms))) if forms else None
        shapes = (*_SHAPES, _ADDRESS) if hide_addresses else _SHAPES
        self._labels = tuple(label for label, _ in shapes)
        self._shapes = re.compile("|".join(f"(?P<s{number}>{shape})" for number, (_, shape) in enumerate(shapes)))
        self._remember = lru_cache(_REMEMBERED_VALUES_MAX)(self._scan)

    def redact_text(self, text: str, characters_max: int = VALUE_CHARACTERS_MAX) -> str:
        """Return ``text`` with everything that has the shape of a secret masked, cut to ``characters_max``."""
        over = len(text) - characters_max
        if over > 0:  # a margin beyond the cut, so that a secret lying across it is seen whole
            text = text[: characters_max + VALUE_CHARACTERS_MAX]
        scanned = self._remember(text) if len(text) <= _REMEMBERED_CHARACTERS_MAX else self._scan(text)
        return f"{scanned[:characters_max]}<cut {over}>" if over > 0 else scanned

    def redact_event(self, event: Mapping[str, object]) -> dict[str, Any]:
        """Return a copy of a log event that may be written down."""
        return {
            name if name in _OUR_NAMES else self.redact_text(name): self._redact_named(name, value, 0)
            for name, value in event.items()
        }

    def _scan(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub("<secret>", text)
        if len(text) >= SCANNED_CHARACTERS_MIN and _HINTS.search(text):
            text = self._shapes.sub(self._mask, text)
        return text

    def _mask(self, match: re.Match[str]) -> str:
        label = self._labels[int((match.lastgroup or "s0")[1:])]
        if label == "secret":
            found = match.group()
            cut = max(found.find("="), found.find(":"))
            return f"{found[: cut + 1]}<secret>"
        return "<credentials>@" if label == "credentials" else f"<{label}>"

    def _redact_named(self, name: str, value: object, depth: int) -> object:
        if value is None or isinstance(value, bool) or (depth == 0 and name in _OUR_NAMES):
            return value
        verdict = _judge_name(name)
        if verdict == "secret":
            return "<secret>"
        if verdict == "content":
            return f"<content {len(value)}>" if isinstance(value, str | bytes) else "<content>"
        return self.redact(value, depth)

    def redact(self, value: object, depth: int = 0) -> object:
        """Return ``value`` as plain data with secrets masked: strings, numbers, lists and mappings only."""
        if isinstance(value, str):
            return self.redact_text(value)
        if value is None or isinstance(value, int | float):
            return self._redact_number(value)
        if isinstance(value, bytes | bytearray):
            return f"<bytes {len(value)}>"
        return self._redact_collection(value, depth + 1)

    def _redact_collection(self, value: object, depth: int) -> object:
        if not isinstance(value, Mapping | list | tuple | set | frozenset):
            return self.redact_text(_name_object(value))
        if depth > DEPTH_MAX:
            return "<deep>"
        if isinstance(value, Mapping):
            items = islice(cast("Mapping[object, object]", value).items(), ITEMS_MAX)
            return {self.redact_text(str(key)): self._redact_named(str(key), item, depth) for key, item in items}
        return [self.redact(item, depth) for item in islice(cast("Iterable[object]", value), ITEMS_MAX)]

    def _redact_number(self, value: float | None) -> float | str | None:
        # Identity and card numbers are numbers too when somebody parsed them.
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**11:
            masked = self.redact_text(str(value))
            return value if masked == str(value) else masked
        return value


@lru_cache(_REMEMBERED_VALUES_MAX)
def _judge_name(name: str) -> str | None:
    if _SECRET_KEY.search(name):
        return "secret"
    return "content" if _CONTENT_KEY.match(name) else None


def _name_object(value: object) -> str:
    """Say what an object is; an exception's or a path's own words, anything else only by its type."""
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {say_error(value)}"
    if type(value).__module__ in {"pathlib", "datetime", "uuid", "enum"} or hasattr(value, "__fspath__"):
        return str(value)
    return f"<{type(value).__name__}>"


def _encodings(secret: str) -> tuple[str, ...]:
    raw = secret.encode()
    # In a longer base64 text the secret may begin at any of three offsets; whole groups of it look the same always.
    inner = (
        base64.b64encode(b"\0" * offset + raw)[4 if offset else 0 : (offset + len(raw)) // 3 * 4].decode()
        for offset in range(3)
    )
    encoded = tuple(form for form in inner if len(form) >= KNOWN_SECRET_CHARACTERS_MIN)
    return (secret, urllib.parse.quote(secret, safe=""), urllib.parse.quote(secret), *encoded)
