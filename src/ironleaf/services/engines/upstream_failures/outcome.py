"""The usual verdict for each kind; rules name only what differs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ironleaf.foundation.errors import Level
from ironleaf.services.engines.upstream_failures.base import CausedBy, FailureKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The part of a verdict that a rule decides."""

    kind: FailureKind
    caused_by: CausedBy
    retry: bool
    fallback: bool
    level: Level


def _usual(kind: FailureKind, caused_by: CausedBy, level: Level, *, retry: bool, fallback: bool = True) -> Outcome:
    return Outcome(kind=kind, caused_by=caused_by, retry=retry, fallback=fallback, level=level)


_K = FailureKind
_USUAL: Final[dict[FailureKind, Outcome]] = {
    outcome.kind: outcome
    for outcome in (
        _usual(_K.MODEL_NOT_FOUND, CausedBy.OPERATOR, Level.L3, retry=False),
        _usual(_K.MODEL_LOADING, CausedBy.UPSTREAM, Level.L3, retry=True),
        _usual(_K.OVERLOADED, CausedBy.UPSTREAM, Level.L3, retry=True),
        _usual(_K.RATE_LIMITED, CausedBy.UPSTREAM, Level.L3, retry=True),
        _usual(_K.QUOTA_EXHAUSTED, CausedBy.OPERATOR, Level.L4, retry=False),
        _usual(_K.AUTH, CausedBy.OPERATOR, Level.L4, retry=False),
        _usual(_K.PERMISSION, CausedBy.OPERATOR, Level.L4, retry=False),
        _usual(_K.CONTEXT_TOO_LONG, CausedBy.CLIENT_INPUT, Level.L1, retry=False),
        _usual(_K.IMAGE_INVALID, CausedBy.CLIENT_INPUT, Level.L1, retry=False, fallback=False),
        _usual(_K.IMAGE_TOO_LARGE, CausedBy.CLIENT_INPUT, Level.L1, retry=False),
        _usual(_K.IMAGE_UNSUPPORTED_BY_MODEL, CausedBy.OPERATOR, Level.L3, retry=False),
        _usual(_K.BAD_PARAMETER, CausedBy.OPERATOR, Level.L3, retry=False),
        # A policy: passing refused content to another engine is the operator's choice.
        _usual(_K.CONTENT_FILTERED, CausedBy.CLIENT_INPUT, Level.L1, retry=False, fallback=False),
        _usual(_K.OUT_OF_MEMORY, CausedBy.UPSTREAM, Level.L3, retry=False),
        _usual(_K.ENGINE_CRASHED, CausedBy.UPSTREAM, Level.L3, retry=True),
        _usual(_K.INTERNAL_ERROR, CausedBy.UPSTREAM, Level.L3, retry=True),
        _usual(_K.BAD_GATEWAY, CausedBy.UPSTREAM, Level.L3, retry=True),
        _usual(_K.TIMEOUT, CausedBy.UPSTREAM, Level.L3, retry=True),
        _usual(_K.CONNECTION, CausedBy.NETWORK, Level.L3, retry=True),
        _usual(_K.PROTOCOL, CausedBy.UPSTREAM, Level.L3, retry=True),
        _usual(_K.PAYLOAD_TOO_LARGE, CausedBy.CLIENT_INPUT, Level.L1, retry=False),
        _usual(_K.UNKNOWN, CausedBy.UPSTREAM, Level.L3, retry=True),
    )
}


def outcome_of(
    kind: FailureKind,
    *,
    caused_by: CausedBy | None = None,
    retry: bool | None = None,
    fallback: bool | None = None,
    level: Level | None = None,
) -> Outcome:
    """Return the usual outcome of ``kind`` with the given differences."""
    usual = _USUAL[kind]
    return replace(
        usual,
        caused_by=usual.caused_by if caused_by is None else caused_by,
        retry=usual.retry if retry is None else retry,
        fallback=usual.fallback if fallback is None else fallback,
        level=usual.level if level is None else level,
    )
