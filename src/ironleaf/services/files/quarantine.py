"""Files that killed the processes which read them: known by their hash, and refused once it happened twice.

The store is a file of JSON lines in the state directory, one line for each loss:
`{"sha256": ..., "reason": "crash", "at": "2026-01-31T12:00:00+00:00"}`. An operator
releases a file with ``ironleaf quarantine release``, or by deleting its lines:
whoever uses the file looks again whenever it has changed.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from signal import Signals
from typing import TYPE_CHECKING, Any, Final, Protocol

from ironleaf.foundation.errors import BusinessError
from ironleaf.foundation.processes import LossReason, WorkerLost
from ironleaf.services.files.errors import FILE_QUARANTINED
from ironleaf.services.files.losses import HeldFile, Loss, dump_loss, find_held, read_losses
from ironleaf.services.files.spool import storage_failure

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from ironleaf.foundation.clock import Clock

QUARANTINE_FILE: Final = "quarantine.jsonl"
LOSSES_TO_REFUSE: Final = 2
"""One loss may be chance: a machine short of memory, a worker at its end. Two are the file."""
EXPIRY_S: Final = 7 * 24 * 3600.0
"""After a week a file may try again: decoders are mended meanwhile."""
ENTRIES_MAX: Final = 10_000
"""Losses remembered, the newest: 1.5 MB. Workers die a few times a day, not a thousand times."""

_COUNTED: Final = frozenset({LossReason.TIMEOUT, LossReason.MEMORY, LossReason.CPU, LossReason.CRASH})
_FROM_OUTSIDE: Final = frozenset({Signals.SIGKILL, Signals.SIGTERM, Signals.SIGINT, Signals.SIGHUP})
"""Deaths that somebody wished: no decoder ends itself so."""
_suspect: ContextVar[str | None] = ContextVar("suspect", default=None)

logger = logging.getLogger(__name__)


class Quarantine(Protocol):
    """Remembers which files killed workers."""

    def require_free(self, sha256: str) -> None:
        """Return if the file may be read.

        Raises:
            BusinessError: file-quarantined.
        """
        ...

    def record(self, sha256: str, reason: LossReason) -> None:
        """Remember that a worker died of the file. A store that fails is logged; nobody else hears of it."""
        ...

    def release(self, sha256: str) -> bool:
        """Forget what the file did; tell whether there was anything.

        Raises:
            StorageFailure: a file of losses cannot be written; spool-full, storage-failed.
        """
        ...

    def list_held(self) -> tuple[HeldFile, ...]:
        """Return the files that are refused now, the latest first."""
        ...


class InMemoryQuarantine:
    """A quarantine that ends with its process."""

    def __init__(
        self,
        clock: Clock,
        *,
        losses_to_refuse: int = LOSSES_TO_REFUSE,
        expiry_s: float = EXPIRY_S,
        entries_max: int = ENTRIES_MAX,
    ) -> None:
        self._clock = clock
        self._losses_to_refuse = losses_to_refuse
        self._expiry = timedelta(seconds=expiry_s)
        self._losses: deque[Loss] = deque(maxlen=entries_max)

    def require_free(self, sha256: str) -> None:
        since = self._clock.now() - self._expiry
        losses = sum(loss.sha256 == sha256 and loss.at > since for loss in self._losses)
        if losses >= self._losses_to_refuse:
            raise BusinessError(FILE_QUARANTINED, context={"sha256": sha256, "losses": losses})

    def record(self, sha256: str, reason: LossReason) -> None:
        self._losses.append(Loss(sha256=sha256, reason=reason.value, at=self._clock.now()))

    def release(self, sha256: str) -> bool:
        kept = [loss for loss in self._losses if loss.sha256 != sha256]
        found = len(kept) < len(self._losses)
        self._losses = deque(kept, maxlen=self._losses.maxlen)
        return found

    def list_held(self) -> tuple[HeldFile, ...]:
        return find_held(
            self._losses, now=self._clock.now(), losses_to_refuse=self._losses_to_refuse, expiry=self._expiry
        )


class FileQuarantine(InMemoryQuarantine):
    """A quarantine that outlives its process, and that others may write to meanwhile.

    Losses are minutes apart and their lines short, so writing them at once holds
    nobody up. Damaged lines are passed over; without a disk it goes on in memory.
    """

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        *,
        losses_to_refuse: int = LOSSES_TO_REFUSE,
        expiry_s: float = EXPIRY_S,
        entries_max: int = ENTRIES_MAX,
    ) -> None:
        super().__init__(clock, losses_to_refuse=losses_to_refuse, expiry_s=expiry_s, entries_max=entries_max)
        self._path = directory / QUARANTINE_FILE
        self._stamp: tuple[int, ...] | None = None
        self._lines = 0

    def require_free(self, sha256: str) -> None:
        self._look()
        super().require_free(sha256)

    def record(self, sha256: str, reason: LossReason) -> None:
        self._look()
        super().record(sha256, reason)
        try:
            if self._lines >= 2 * (self._losses.maxlen or 0):
                self._rewrite()
            else:
                self._append(self._losses[-1])
        except OSError:
            logger.exception("the quarantine cannot be written")

    def release(self, sha256: str) -> bool:
        self._look()
        found = super().release(sha256)
        try:
            if found:
                self._rewrite()
        except OSError as error:
            raise storage_failure(error) from error
        return found

    def list_held(self) -> tuple[HeldFile, ...]:
        self._look()
        return super().list_held()

    def _look(self) -> None:
        stamp = self._read_stamp()
        if stamp == self._stamp:
            return
        losses: list[Loss] = []
        try:
            losses = list(read_losses(self._path))
        except OSError:
            logger.exception("the quarantine cannot be read")
        self._losses = deque(losses, maxlen=self._losses.maxlen)
        self._stamp, self._lines = stamp, len(losses)

    def _read_stamp(self) -> tuple[int, ...] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return (found.st_ino, found.st_size, found.st_mtime_ns)

    def _append(self, loss: Loss) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._path.open("ab", buffering=0) as file:
            file.write(dump_loss(loss))
        self._stamp, self._lines = self._read_stamp(), self._lines + 1

    def _rewrite(self) -> None:
        target = self._path.with_name(f"{QUARANTINE_FILE}.{os.getpid()}")
        target.write_bytes(b"".join(map(dump_loss, self._losses)))
        target.replace(self._path)
        self._stamp, self._lines = self._read_stamp(), len(self._losses)


class JobRunner(Protocol):
    """Runs a job in a worker process."""

    async def call(self, job: Any, *, timeout_s: float, queue_timeout_s: float | None = None) -> Any: ...


class BlamingRunner:
    """Tells the quarantine when a worker died of the file under suspicion.

    ``job_s_max`` is what a job is given when its caller's time does not end first:
    who is stopped earlier for lack of time is not to blame.
    """

    def __init__(self, runner: JobRunner, quarantine: Quarantine, *, job_s_max: float) -> None:
        self._runner = runner
        self._quarantine = quarantine
        self._job_s_max = job_s_max

    async def call(self, job: Any, *, timeout_s: float, queue_timeout_s: float | None = None) -> Any:
        """Return the job's result; raises what the runner raises."""
        try:
            return await self._runner.call(job, timeout_s=timeout_s, queue_timeout_s=queue_timeout_s)
        except WorkerLost as loss:
            sha256 = _suspect.get()
            if sha256 is not None and is_the_files_fault(loss, cut_short=timeout_s < self._job_s_max):
                self._quarantine.record(sha256, loss.reason)
            raise


def is_the_files_fault(loss: WorkerLost, *, cut_short: bool) -> bool:
    """Tell whether a worker died of what it read, and not of somebody's hurry or hand."""
    if loss.reason not in _COUNTED or (loss.reason is LossReason.TIMEOUT and cut_short):
        return False
    return not (loss.reason is LossReason.CRASH and loss.signal in _FROM_OUTSIDE)


@contextmanager
def suspected(sha256: str) -> Generator[None]:
    """Blame what happens to workers on this file, in this task and those it starts."""
    token = _suspect.set(sha256)
    try:
        yield
    finally:
        _suspect.reset(token)
