"""What monitoring says: something has begun that a person may want to know, or it has ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
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


class Identity(NamedTuple):
    """What makes two signals speak of the same condition."""

    rule: str
    component: str
    cause: str


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

    @property
    def identity(self) -> Identity:
        """What this signal is about."""
        return Identity(self.rule, self.component, self.cause)


class SignalSource(Protocol):
    """Who says signals, asked by whoever keeps incidents over a restart.

    A detector forgets when its process ends. After a start it says `FIRING` again, with
    the same identity, for what still holds; of what ended meanwhile it knows nothing and
    would keep silent for ever. So the keeper of incidents asks now and then (once a minute
    will do) with the identities that this replica left open:

        for signal in source.find_absent(open_identities): desk.hear(signal)

    A process that stood still for so long that others took it for gone says again what is ``standing``.
    """

    @property
    def standing(self) -> tuple[Signal, ...]:
        """The last word on each condition that holds."""
        ...

    def find_absent(self, identities: Iterable[Identity]) -> tuple[Signal, ...]:
        """Return a `CLEAR` for each identity that does not hold and whose rule has had the time to see it again.

        An identity whose rule is still settling after the start (`Rule.settles_s`) gets no
        answer yet: ask again. Rules and parts that exist no longer count as ended.
        """
        ...

    def forget(self, identities: Iterable[Identity]) -> None:
        """Decide each anew: a person says that it is over, so what was seen before counts no more. Says nothing."""
        ...
