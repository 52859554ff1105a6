"""What a pool tells about itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ironleaf.foundation.processes.sandbox.report import SandboxReport


class ReplacementReason(StrEnum):
    """Why a worker was replaced: a `LossReason`, or one of the pool's own."""

    TIMEOUT = "timeout"
    MEMORY = "memory"
    CPU = "cpu"
    CRASH = "crash"
    OUTPUT = "output"
    START = "start"
    CANCELLED = "cancelled"
    """The caller left, so its work was ended."""
    JOBS_MAX = "jobs_max"
    RESIDENT_GROWTH = "resident_growth"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStatus:
    """A pool at one moment."""

    name: str
    size: int
    alive: int
    """Workers that are ready or busy."""
    busy: int
    queued: int
    replaced: Mapping[ReplacementReason, int]
    sandbox: SandboxReport | None
    """None until the first worker is ready."""
    ready: bool
    """At least one worker can take a job, now or after its present one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReplaced:
    """A new worker stands where another one was."""

    pool: str
    reason: ReplacementReason
    exit_code: int | None
    jobs_done: int
    """By the worker that went."""
    duration_s: float
    """From the loss to the new worker's readiness."""
    private_noise: str
    """The end of what the lost process wrote to its standard streams. For logs only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStartFailed:
    """A replacement did not become ready; the pool tries again."""

    pool: str
    attempt: int
    private_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQueued:
    """A job got its worker after waiting for it. Told in the caller's own context."""

    pool: str
    waited_s: float


ProcessEvent = WorkerReplaced | WorkerStartFailed | JobQueued
