"""The ledger of self-healing: what was done without asking anyone, why, within which bounds, and how to undo it."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Mapping  # noqa: TC003 - the entry is an answer's model too, read at run time
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LEDGER_FILE: Final = "healing.jsonl"
PREDECESSOR: Final = "healing.1.jsonl"
LINE_BYTES_MAX: Final = 16 * 1024
"""A longer line is damage, not an entry."""

logger = logging.getLogger(__name__)


class HealingAction(StrEnum):
    """What can be done about a backend."""

    MODEL_SWITCHED = "model_switched"
    """Another name of the same family is asked for."""
    MODEL_RESTORED = "model_restored"
    """The configured name is asked for again."""
    MODEL_RETURNED = "model_returned"
    """It is listed again and reads: the breaker was closed before its time."""
    MODEL_RELAUNCHED = "model_relaunched"
    BREAKER_OPENED = "breaker_opened"
    BREAKER_CLOSED = "breaker_closed"
    BREAKER_RESET = "breaker_reset"


class HealingOutcome(StrEnum):
    """What came of it."""

    BEGUN = "begun"
    """It takes minutes; what came of it is an entry of its own, and there is none if we ended meanwhile."""
    DONE = "done"
    FAILED = "failed"
    HELD_BACK = "held_back"
    """A guard rail stood in the way."""
    DRY_RUN = "dry_run"
    """Decided, and by the operator's wish not done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealingEntry:
    """One action. For operators: it may name models, never keys or page content."""

    at: datetime
    backend: str
    """The public alias."""
    action: HealingAction
    cause: str
    guard_rail: str
    """What kept the action within bounds."""
    outcome: HealingOutcome
    undo: str
    """How a person takes it back."""
    facts: Mapping[str, str] = field(default_factory=dict[str, str])


class HealingLedger(Protocol):
    """Remembers what was done. A store that fails is logged; it never stops the healing."""

    def record(self, entry: HealingEntry) -> None: ...

    def read(self, limit: int) -> tuple[HealingEntry, ...]:
        """Return the newest ``limit`` entries, the newest first."""
        ...


class FileLedger:
    """A ledger in a file of JSON lines that never grows beyond ``bytes_max``; one predecessor is kept.

    Actions are minutes apart and their lines short, so writing them at once
    holds nobody up. Damaged lines are passed over. ``on_entry`` hears of each
    entry, and must not raise.
    """

    def __init__(
        self, directory: Path, *, bytes_max: int, on_entry: Callable[[HealingEntry], None] = lambda _entry: None
    ) -> None:
        self._path = directory / LEDGER_FILE
        self._bytes_max = bytes_max
        self._on_entry = on_entry
        self._turn = threading.Lock()

    def record(self, entry: HealingEntry) -> None:
        self._on_entry(entry)
        line = orjson.dumps(asdict(entry), option=orjson.OPT_APPEND_NEWLINE)
        try:
            with self._turn:
                self._append(line)
        except OSError:
            logger.exception("the healing ledger cannot be written")

    def read(self, limit: int) -> tuple[HealingEntry, ...]:
        if limit <= 0:
            return ()
        newest: deque[HealingEntry] = deque(maxlen=limit)
        with self._turn:
            for path in (self._path.with_name(PREDECESSOR), self._path):
                newest.extend(read_entries(path))
        return tuple(reversed(newest))

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_size + len(line) > self._bytes_max // 2:
                self._path.replace(self._path.with_name(PREDECESSOR))
        with self._path.open("ab", buffering=0) as file:
            file.write(line)


def read_entries(path: Path) -> Iterator[HealingEntry]:
    """Yield the entries in a file of this store, without what is damaged; nothing if there is no such file."""
    try:
        with path.open("rb") as file:
            for line in iter(lambda: file.readline(LINE_BYTES_MAX), b""):
                entry = _parse(line)
                if entry is not None:
                    yield entry
    except FileNotFoundError:
        return
    except OSError:
        logger.exception("the healing ledger cannot be read")


def _parse(line: bytes) -> HealingEntry | None:
    try:
        said: dict[str, Any] = orjson.loads(line)
        return HealingEntry(
            at=datetime.fromisoformat(said["at"]),
            backend=str(said["backend"]),
            action=HealingAction(said["action"]),
            cause=str(said["cause"]),
            guard_rail=str(said["guard_rail"]),
            outcome=HealingOutcome(said["outcome"]),
            undo=str(said["undo"]),
            facts={str(name): str(value) for name, value in said["facts"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
