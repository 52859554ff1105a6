"""Worker processes: bounded, locked down, killable, replaced when they die.

Untrusted bytes are only ever touched in them.
"""

from ironleaf.foundation.processes.limits import ProcessLimits
from ironleaf.foundation.processes.loss import (
    BusyReason,
    JobFailed,
    LossReason,
    PoolBusy,
    PoolFailure,
    SandboxMissing,
    WorkerLost,
)
from ironleaf.foundation.processes.pool import WorkerPool
from ironleaf.foundation.processes.sandbox.report import SandboxReport
from ironleaf.foundation.processes.spec import Handler, WorkerSpec
from ironleaf.foundation.processes.status import (
    JobQueued,
    PoolStatus,
    ProcessEvent,
    ReplacementReason,
    WorkerReplaced,
    WorkerStartFailed,
)

__all__ = [
    "BusyReason",
    "Handler",
    "JobFailed",
    "JobQueued",
    "LossReason",
    "PoolBusy",
    "PoolFailure",
    "PoolStatus",
    "ProcessEvent",
    "ProcessLimits",
    "ReplacementReason",
    "SandboxMissing",
    "SandboxReport",
    "WorkerLost",
    "WorkerPool",
    "WorkerReplaced",
    "WorkerSpec",
    "WorkerStartFailed",
]
