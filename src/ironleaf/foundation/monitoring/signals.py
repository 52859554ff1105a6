"""What monitoring says: something has begun that a person may want to know, or it has ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Urgency(StrEnum):
    """How soon a person must act."""

    PAGE = "page"
    """Now."""
    TICKET = "ticket"
    """In working hours."""


class SignalState(StrEnum):
    """Whether the condition holds."""

    FIRING = "firing"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A condition began to hold, still holds with news, or ended.

    ``(rule, component, cause)`` is the identity: the same three come again with
    ``CLEAR`` when it is over, on this replica. Only names from closed lists and
    numbers; no text of anybody's.
    """

    rule: str
    """The detector's name in kebab-case; its runbook is `docs/runbooks/<rule>.md`."""
    component: str
    """As in `ErrorEvent.component`; also `queue`, `memory`, `traffic`, `alerting`."""
    cause: str
    """The root cause as far as it is known: a catalogue reason, `slow`, `full`, `silent`, ..."""
    state: SignalState
    urgency: Urgency
    at: datetime
    """When this was decided."""
    since: datetime
    """When it began, as far as can be told."""
    fingerprint: str = ""
    new_fingerprint: bool = False
    """Nobody has seen this fingerprint before in the kept past."""
    evidence: Mapping[str, float | str] = field(default_factory=dict[str, float | str])
    """Numbers with their unit in the name (`failed_share`, `p95_s`, `free_bytes`), and names from closed lists."""
