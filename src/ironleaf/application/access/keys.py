"""What a key is, and how one is made and recognised. Pure.

``ilk_<id>_<secret>``: the id is public, stands in logs and lists, and finds the record; the
secret is known to its holder alone. The record keeps a SHA-256 of it: the secret has 190 random
bits, so there is nothing that a slow hash would protect from guessing, and one that takes a
quarter of a second would be a door for overload (`docs/decisions/`).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

KEY_PREFIX: Final = "ilk"
"""By it the redaction of logs, secret scanners and people know a key."""
ID_CHARACTERS: Final = 10
"""Fifty bits: among ten thousand keys two have the same id once in twenty million."""
SECRET_CHARACTERS: Final = 32
"""Of 62 letters and digits: 190 bits."""
KEYS_MAX: Final = 1_000
"""Every replica holds all of them in memory and reads them every few seconds."""
NAME_CHARACTERS_MAX: Final = 60
"""Fits a column of a terminal."""
DAYS_MAX: Final = 3_660
"""Ten years; whoever wants more has forgotten the key by then."""
REQUESTS_PER_MINUTE_DEFAULT: Final = 600
"""Ten a second: far above what one caller's conversions take, far below what would disturb the others."""
REQUESTS_PER_MINUTE_MAX: Final = 60_000
"""A thousand a second; a replica keeps a time stamp for each."""

_ID_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_LETTERS_AND_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KEY: Final = re.compile(
    rf"{KEY_PREFIX}_(?P<id>[{_ID_ALPHABET}]{{{ID_CHARACTERS}}})_(?P<secret>[0-9A-Za-z]{{{SECRET_CHARACTERS}}})"
)
_ID: Final = re.compile(rf"[{_ID_ALPHABET}]{{{ID_CHARACTERS}}}")
_NAME: Final = re.compile(rf"[\w][\w .@+-]{{0,{NAME_CHARACTERS_MAX - 1}}}")
_NOBODY: Final = "0" * 64

Choose = Callable[[str], str]
"""Returns one character of those given, unpredictably (`secrets.choice`)."""


class Scope(StrEnum):
    """What a key opens."""

    CONVERT = "convert"
    """Converting and inspecting files."""
    OPS = "ops"
    """Everything under `/v1/ops`, details of health, metrics."""


class Standing(StrEnum):
    """Whether a key is good."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is kept of a key: never its secret."""

    id: str
    """Public."""
    name: str
    """The operator's word for its holder."""
    scopes: frozenset[Scope]
    digest: str = field(repr=False)
    """SHA-256 of id and secret, hexadecimal."""
    requests_per_minute: int
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def standing(self, now: datetime) -> Standing:
        """Return whether the key is good at ``now``."""
        if self.revoked_at is not None:
            return Standing.REVOKED
        return Standing.EXPIRED if self.expires_at is not None and self.expires_at <= now else Standing.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOrder:
    """What somebody wants a new key to be.

    Raises:
        ValueError: a part of it is not as it must be; says which.
    """

    name: str
    scopes: frozenset[Scope]
    days: int | None = None
    """How long it is good; None: until it is revoked."""
    requests_per_minute: int = REQUESTS_PER_MINUTE_DEFAULT

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError("name")
        if not self.scopes:
            raise ValueError("scopes")
        if self.days is not None and not 1 <= self.days <= DAYS_MAX:
            raise ValueError("days")
        if not 1 <= self.requests_per_minute <= REQUESTS_PER_MINUTE_MAX:
            raise ValueError("requests_per_minute")


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedKey:
    """A text of the right form, taken apart. It proves nothing yet."""

    id: str
    secret: str = field(repr=False)


def make_key(order: KeyOrder, *, now: datetime, choose: Choose) -> tuple[str, ApiKey]:
    """Return a new key as its holder gets it, once, and the record of it."""
    key_id = _draw(_ID_ALPHABET, ID_CHARACTERS, choose)
    secret = _draw(_LETTERS_AND_DIGITS, SECRET_CHARACTERS, choose)
    record = ApiKey(
        id=key_id,
        name=order.name,
        scopes=order.scopes,
        digest=digest(PresentedKey(id=key_id, secret=secret)),
        requests_per_minute=order.requests_per_minute,
        created_at=now,
        expires_at=None if order.days is None else now + timedelta(days=order.days),
    )
    return f"{KEY_PREFIX}_{key_id}_{secret}", record


def _draw(alphabet: str, characters: int, choose: Choose) -> str:
    return "".join(choose(alphabet) for _ in range(characters))


def read_key(text: str) -> PresentedKey | None:
    """Return the parts of a text that has the form of a key."""
    match = _KEY.fullmatch(text)
    return None if match is None else PresentedKey(id=match["id"], secret=match["secret"])


def is_key_id(text: str) -> bool:
    """Tell whether ``text`` has the form of a key's public id."""
    return _ID.fullmatch(text) is not None


def digest(key: PresentedKey) -> str:
    """Return what is kept in place of the secret; the id is in it, so that no record fits another key."""
    return hashlib.sha256(f"ironleaf key\0{key.id}\0{key.secret}".encode()).hexdigest()


def proves(key: PresentedKey, record: ApiKey | None) -> bool:
    """Tell whether the secret is the record's. Takes the same time for a key that nobody knows."""
    same = hmac.compare_digest(digest(key), _NOBODY if record is None else record.digest)
    return same and record is not None


def any_active(keys: Sequence[ApiKey], now: datetime) -> bool:
    """Tell whether somebody holds a good key."""
    return any(key.standing(now) is Standing.ACTIVE for key in keys)
