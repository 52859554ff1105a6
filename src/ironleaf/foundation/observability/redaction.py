"""Keeps secrets, personal numbers and page content out of everything that is written down.

Works on values: a key is a key under whatever name it travels. Names help only
where a value has no shape of its own (``password=plain``). What is masked is
replaced by a word in angle brackets that says what stood there.
"""

from __future__ import annotations

import base64
import math
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import Enum
from functools import lru_cache
from itertools import islice
from pathlib import PurePath
from typing import Any, Final, cast
from uuid import UUID

from ironleaf.foundation.observability.shapes import (
    ADDRESS_HINTS,
    ADDRESS_SHAPES,
    BLOB_HINTS,
    BLOB_SHAPES,
    CONTENT_NAME,
    COUNT_NAME,
    NUMBER_HINTS,
    NUMBER_SHAPES,
    SECRET_HINTS,
    SECRET_NAME,
    SECRET_SHAPES,
    Screen,
)
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
"""No shape is shorter."""
INTEGER_BITS_MAX: Final = 63
"""Larger numbers are said by their size: JSON readers cannot hold them, and a key may be written as a number."""

_OUR_NAMES: Final = frozenset({"time", "level", "request_id", "job_id", "fingerprint", "code", "error_level", "kind"})
"""Fields that only our own code fills, from closed lists, clocks and counters: not looked at."""
OUR_CHARACTERS_MAX: Final = 64
"""Longer or stranger than any of those fields: then somebody else filled it."""
IDENTITY_MIN: Final = 10**12
"""The shortest card number has 13 digits; numbers of telephones look like byte counts and stay."""
NAME_CHARACTERS_MAX: Final = 200
"""Looked at of a field's name."""
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NUMBERS: Final = Screen(NUMBER_SHAPES, NUMBER_HINTS)
_SCREENS: Final = (Screen(SECRET_SHAPES, SECRET_HINTS), Screen(BLOB_SHAPES, BLOB_HINTS), _NUMBERS)
_ADDRESSES: Final = Screen(ADDRESS_SHAPES, ADDRESS_HINTS)
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
        self._screens = (*_SCREENS, _ADDRESSES) if hide_addresses else _SCREENS
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
        if not text.isascii():  # half of a surrogate pair cannot be written to any file
            text = text.encode(errors="replace").decode()
        if self._known is not None:
            text = self._known.sub("<secret>", text)
        if len(text) >= SCANNED_CHARACTERS_MIN:
            for screen in self._screens:
                text = screen.apply(text)
        return text

    def _redact_named(self, name: str, value: object, depth: int) -> object:
        if value is None or isinstance(value, bool) or (depth == 0 and name in _OUR_NAMES and _is_plain(value)):
            return value
        verdict = _judge_name(name)
        if verdict == "count":
            verdict = None if isinstance(value, int | float) else "secret"
        if verdict == "secret":
            return "<secret>"
        if verdict == "content":
            return f"<content {len(value)}>" if isinstance(value, str | bytes) else "<content>"
        return self._redact(value, depth)

    def redact(self, value: object) -> object:
        """Return ``value`` as plain data with secrets masked: strings, numbers, lists and mappings only."""
        return self._redact(value, 0)

    def _redact(self, value: object, depth: int) -> object:
        if isinstance(value, str):
            return self.redact_text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self._redact_number(value)
        if isinstance(value, bytes | bytearray):
            return f"<bytes {len(value)}>"
        return self._redact_collection(value, depth + 1)

    def _redact_collection(self, value: object, depth: int) -> object:
        if not isinstance(value, Mapping | list | tuple | set | frozenset):
            return self.redact_text(_name_object(value))
        if depth > DEPTH_MAX:
            return "<deep>"
        try:
            if isinstance(value, Mapping):
                items = islice(cast("Mapping[object, object]", value).items(), ITEMS_MAX)
                return {self.redact_text(str(key)): self._redact_named(str(key), item, depth) for key, item in items}
            return [self._redact(item, depth) for item in islice(cast("Iterable[object]", value), ITEMS_MAX)]
        except Exception:  # noqa: BLE001 - a stranger's container that fails, or changes while it is read
            return "<unreadable>"

    def _redact_number(self, value: float) -> float | str:
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if value.bit_length() > INTEGER_BITS_MAX:
            return f"<number of {value.bit_length()} bits>"
        # Identity and card numbers are numbers too when somebody parsed them.
        if abs(value) < IDENTITY_MIN:
            return int(value)
        masked = _NUMBERS.apply(str(int(value)))
        return masked if masked == "<number>" else int(value)


def _is_plain(value: object) -> bool:
    if isinstance(value, int):
        return value.bit_length() <= INTEGER_BITS_MAX
    return isinstance(value, str) and len(value) <= OUR_CHARACTERS_MAX and value.isascii()


@lru_cache(_REMEMBERED_VALUES_MAX)
def _judge_name(name: str) -> str | None:
    snake = _HUMP.sub("_", name[:NAME_CHARACTERS_MAX]).lower()
    if COUNT_NAME.search(snake):
        return "count"
    if SECRET_NAME.search(snake):
        return "secret"
    return "content" if CONTENT_NAME.match(snake) else None


def _name_object(value: object) -> str:
    """Say what an object is; an exception's or a path's own words, anything else only by its type."""
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {say_error(value)}"
    if isinstance(value, datetime | date | UUID | Enum | PurePath):
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
