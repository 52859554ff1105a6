"""Everything that a call to a pool may end with, beside a result and the catalogue's own errors.

PoolFailure
├── WorkerLost      the process died, or was killed, under the job
├── JobFailed       the handler raised something that the catalogue does not know
├── PoolBusy        no worker in time, or the pool is closed
└── SandboxMissing  the kernel cannot lock the workers down, and that was required
"""

from __future__ import annotations

import signal
from enum import StrEnum
from typing import Final

PRIVATE_CHARACTERS_MAX: Final = 8_000
"""A stack of some forty frames; logs keep no more."""
_MEMORY_WORDS: Final = ("memory allocation of", "bad_alloc", "out of memory", "cannot allocate memory")
"""How Rust, C++ and C libraries say it before they abort."""


class LossReason(StrEnum):
    """Why a worker was lost under its job."""

    TIMEOUT = "timeout"
    """Killed by us: the job's wall time was over."""
    MEMORY = "memory"
    CPU = "cpu"
    CRASH = "crash"
    OUTPUT = "output"
    """It wrote a larger file than it may."""
    START = "start"
    """It never became ready."""


class BusyReason(StrEnum):
    """Why no worker took a job."""

    QUEUE_FULL = "queue_full"
    QUEUE_TIMEOUT = "queue_timeout"
    CLOSED = "closed"


class PoolFailure(Exception):
    """The pool could not do a job."""


class WorkerLost(PoolFailure):
    """The worker is gone, and with it this one job. A new worker is under way.

    ``exit_code`` is negative for a death by signal, and None if the process was
    not seen to end. The ``private_`` texts are for logs only.
    """

    def __init__(
        self,
        reason: LossReason,
        *,
        exit_code: int | None = None,
        private_text: str = "",
        private_stack: str = "",
        private_noise: str = "",
    ) -> None:
        super().__init__(f"worker lost: {reason}")
        self.reason = reason
        self.exit_code = exit_code
        self.signal = -exit_code if exit_code is not None and exit_code < 0 else None
        self.private_text = private_text
        self.private_stack = private_stack
        self.private_noise = private_noise
        """The end of what the process wrote to its standard streams."""


class JobFailed(PoolFailure):
    """The handler raised an exception that is not an `IronleafError`. The worker lives on.

    Only ``exception_type``, the class's bare name, is part of the message.
    """

    def __init__(
        self, exception_type: str, *, private_text: str = "", private_stack: str = "", private_noise: str = ""
    ) -> None:
        super().__init__(f"job failed: {exception_type}")
        self.exception_type = exception_type
        self.private_text = private_text
        self.private_stack = private_stack
        self.private_noise = private_noise


class PoolBusy(PoolFailure):
    """No worker took the job: nothing was done."""

    def __init__(self, reason: BusyReason) -> None:
        super().__init__(f"pool busy: {reason}")
        self.reason = reason


class SandboxMissing(PoolFailure):
    """A sandbox was required, and the kernel or the machine has none."""


def tell_loss(exit_code: int | None, noise: str, *, memory_killed: bool = False) -> LossReason:
    """Return why a process that we did not kill died.

    ``noise`` is the end of its standard error: an abort for lack of memory can
    only be told from it. ``memory_killed`` says that the kernel killed for lack
    of memory about then.
    """
    if exit_code == -signal.SIGXCPU:
        return LossReason.CPU
    if exit_code == -signal.SIGXFSZ:
        return LossReason.OUTPUT
    if speaks_of_memory(noise) or (memory_killed and exit_code == -signal.SIGKILL):
        return LossReason.MEMORY
    return LossReason.CRASH


def speaks_of_memory(text: str) -> bool:
    """Tell whether a library's own words say that memory ran out."""
    lowered = text.lower()
    return any(words in lowered for words in _MEMORY_WORDS)
