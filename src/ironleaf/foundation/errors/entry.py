"""One line of the error catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, cast

from ironleaf.foundation.errors.policy import POLICY, AlertRule, Level

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")

_REASON = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_OF_ITS_LEVEL: Final = cast("AlertRule", None)
CLIENT_CLOSED_STATUS: Final = 499
"""Nginx's status for a caller who left; it appears in logs only."""


class Kind(StrEnum):
    """The protocol-free class of an error: metric label and CLI exit code. A closed list."""

    INVALID_INPUT = "invalid_input"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too_large"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    GONE = "gone"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    INTERNAL = "internal"


class Family(StrEnum):
    """Which part of the work went wrong."""

    VALIDATION = "validation"
    PROCESSING = "processing"
    MODEL = "model"
    STORAGE = "storage"
    DEPENDENCY = "dependency"
    LIMIT = "limit"
    PROTOCOL = "protocol"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Text:
    """The same sentence in the product's two languages."""

    en: str
    zh: str

    def in_language(self, language: Language) -> str:
        """Return the sentence in ``language``."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class NoticeEntry:
    """One line of the closed list of warnings: what was repaired, left out or doubtful."""

    reason: str
    message: Text

    def __post_init__(self) -> None:
        if not _REASON.fullmatch(self.reason):
            raise ValueError("notice: the reason is not kebab-case")


@dataclass(frozen=True, slots=True)
class Entry:
    """Everything that the product knows and says about one error.

    ``code // 100`` is the HTTP status. A code is never reused. ``reason`` is the
    same identity in words. Texts are fixed sentences: numbers, units and field
    names travel in `Detail` objects beside them, never inside.

    Raises:
        ValueError: the entry contradicts itself (at import time, so at start).
    """

    code: int
    reason: str
    family: Family
    level: Level
    kind: Kind
    message: Text
    user_advice: Text
    operator_advice: Text
    retryable: bool = False
    alert: AlertRule = _OF_ITS_LEVEL
    """When a person hears of it: as the level has it (`policy`), unless the entry names a rule of its own."""

    def __post_init__(self) -> None:
        if not _REASON.fullmatch(self.reason):
            raise ValueError(f"entry {self.code}: the reason is not kebab-case")
        if not 400 <= self.http_status <= 599:  # noqa: PLR2004
            raise ValueError(f"entry {self.reason}: the code does not begin with an HTTP error status")
        for text in (self.message, self.user_advice, self.operator_advice):
            if not (text.en.strip() and text.zh.strip()):
                raise ValueError(f"entry {self.reason}: a language is missing")
        if self.alert is _OF_ITS_LEVEL:
            object.__setattr__(self, "alert", POLICY[self.level].alert)

    @property
    def http_status(self) -> int:
        """The HTTP status of this error."""
        return self.code // 100

    @property
    def doc_url(self) -> str:
        """The path of this error's page, served by the product itself."""
        return f"/errors/{self.reason}"
