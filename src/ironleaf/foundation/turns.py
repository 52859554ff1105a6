"""Who waits, and who is next: parties take turns, so that nobody waits behind all that another one wants.

Round robin, the oldest fair queueing there is. Promise: whoever joins is served after
at most one item of each other party for each item that stands before his in his own line.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

T = TypeVar("T")

_party: ContextVar[str] = ContextVar("party", default="")


@contextmanager
def on_behalf_of(party: str) -> Generator[None]:
    """Let what this task and those it starts wait for be waited for as ``party``."""
    token = _party.set(party)
    try:
        yield
    finally:
        _party.reset(token)


def current_party() -> str:
    """Return on whose behalf this task works; empty where nobody said."""
    return _party.get()


class Turns(Generic[T]):
    """A queue in which parties take turns; within a party it is first come, first served."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[T]] = {}
        """In the order of the next turns; no line is empty."""

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def join(self, item: T, party: str) -> None:
        """Let ``item`` wait at the end of its party's line."""
        self._lines.setdefault(party, deque()).append(item)

    def next(self) -> T | None:
        """Take out whose turn it is; None if nobody waits."""
        party = next(iter(self._lines), None)
        if party is None:
            return None
        line = self._lines.pop(party)
        item = line.popleft()
        if line:
            self._lines[party] = line
        return item

    def leave(self, item: T) -> bool:
        """Take ``item`` out, wherever it stands; tell whether it waited."""
        for party, line in self._lines.items():
            if item in line:
                line.remove(item)
                if not line:
                    del self._lines[party]
                return True
        return False

    def ahead_of(self, party: str) -> int:
        """Return how many are served, at most, before one who joins now."""
        own = len(self._lines.get(party, ()))
        return own + sum(min(len(line), own + 1) for name, line in self._lines.items() if name != party)

    def has_room_for(self, party: str) -> bool:
        """Tell whether another party has a longer line than ``party`` would have after joining."""
        return len(self._lines.get(self._longest(), ())) > len(self._lines.get(party, ())) + 1

    def drop_last_of_longest(self) -> tuple[T, str]:
        """Take out who came last in the longest line, and tell whose he is.

        Raises:
            KeyError: nobody waits.
        """
        party = self._longest()
        item = self._lines[party].pop()
        if not self._lines[party]:
            del self._lines[party]
        return item, party

    def _longest(self) -> str:
        return max(self._lines, key=lambda party: len(self._lines[party]), default="")
