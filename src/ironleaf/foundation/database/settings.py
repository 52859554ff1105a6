"""Where the database is, and how long anyone waits for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ironleaf.foundation.database.address import parse_address

THREADS: Final = 4
"""Connections at work at once: SQLite writes one at a time anyway, and PostgreSQL has other guests."""
THREADS_MAX: Final = 64
QUEUE_MAX: Final = 256
"""Pieces of work that wait for a thread: at a millisecond each, less than the seconds that a caller waits."""
WAIT_S: Final = 10.0
"""Seconds from handing in a piece of work to giving it up, whatever it waits for."""
CONNECT_S: Final = 3.0
"""A server of the same network answers in milliseconds; beyond this it is away."""
STATEMENT_S: Final = 8.0
"""Our statements take milliseconds, a report over a week a second."""
LOCK_S: Final = 5.0
"""Our transactions hold the file for milliseconds, a migration for seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """The store that outlives the process: an SQLite file, or PostgreSQL where several replicas share it."""

    url: str = field(default="", repr=False)
    """``sqlite:////absolute/path.db`` or ``postgresql://user:password@host:5432/name``; empty: the file
    ``ironleaf.db`` in this user's state directory."""
    threads: int = THREADS
    """Threads that speak to the database, and connections held open."""
    queue_max: int = QUEUE_MAX
    """Pieces of work that may wait for a thread; the next one is turned away."""
    wait_s: float = WAIT_S
    """Seconds after which work that was handed in is given up."""
    connect_s: float = CONNECT_S
    """Seconds for reaching a PostgreSQL server."""
    statement_s: float = STATEMENT_S
    """Seconds for one statement on a PostgreSQL server."""
    lock_s: float = LOCK_S
    """Seconds to wait while another one writes."""

    def __post_init__(self) -> None:
        try:
            parse_address(self.url)
        except ValueError as wrong:
            raise ValueError(f"url: {wrong}") from None
        if not 1 <= self.threads <= THREADS_MAX:
            raise ValueError(f"threads: must be between 1 and {THREADS_MAX}")
        if self.queue_max < 1:
            raise ValueError("queue_max: must be at least 1")
        for name in ("wait_s", "connect_s", "statement_s", "lock_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}: must be above 0")
