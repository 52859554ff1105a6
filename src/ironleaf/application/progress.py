"""How far conversions are: stages and page counts for whoever holds a conversion's ticket, forgotten when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

FIRST_NEWS_S: Final = 15.0
"""A conversion whose upload is through shows itself in less; a ticket without one is watched no longer."""
SEATS_MAX: Final = 256
"""Conversions that are watched or may be; more than are ever admitted at once. Beyond it nobody can watch."""


class Stage(StrEnum):
    """Where a conversion is."""

    WAITING = "waiting"
    CHECKING = "checking"
    OPENING = "opening"
    READING = "reading"
    ASSEMBLING = "assembling"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One conversion's place on its way."""

    stage: Stage
    pages_done: int = 0
    pages: int = 0
    """To be read; 0 until that is known."""


ReportProgress = Callable[[Progress], None]


def ignore_progress(_progress: Progress) -> None:
    """Nobody watches."""


@dataclass(slots=True)
class _Seat:
    latest: Progress | None = None
    followed: bool = False
    ended: bool = False
    watchers: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, progress: Progress | None) -> None:
        if progress is None:
            self.ended = True
        else:
            self.latest = progress
        self.changed.set()


class ProgressBoard:
    """Joins a conversion with those who watch it, by a ticket that the caller chose and nobody can guess."""

    def __init__(self) -> None:
        self._seats: dict[str, _Seat] = {}

    @contextmanager
    def follow(self, ticket: str | None) -> Generator[ReportProgress]:
        """Yield where a conversion reports to; leaving the context tells the watchers that it is over."""
        seat = self._take(ticket) if ticket else None
        if ticket is None or seat is None:
            yield ignore_progress
            return
        seat.followed = True
        try:
            yield seat.tell
        finally:
            seat.tell(None)
            self._leave(ticket, seat)

    async def watch(self, ticket: str, *, patience_s: float) -> AsyncGenerator[Progress]:
        """Yield each change until the conversion ends, or until none has come for ``patience_s``.

        Quick changes are folded: a slow watcher gets the newest state, never a queue.
        """
        seat = self._take(ticket)
        if seat is None:
            return
        seat.watchers += 1
        told: Progress | None = None
        try:
            while not seat.ended:
                async with asyncio.timeout(patience_s if seat.followed else FIRST_NEWS_S):
                    await seat.changed.wait()
                seat.changed.clear()
                if seat.latest is not None and seat.latest is not told:
                    told = seat.latest
                    yield told
        except TimeoutError:
            return
        finally:
            seat.watchers -= 1
            self._leave(ticket, seat)

    def _take(self, ticket: str) -> _Seat | None:
        seat = self._seats.get(ticket)
        if seat is None and len(self._seats) < SEATS_MAX:
            seat = self._seats[ticket] = _Seat()
        return seat

    def _leave(self, ticket: str, seat: _Seat) -> None:
        if seat.watchers == 0 and self._seats.get(ticket) is seat:
            del self._seats[ticket]
