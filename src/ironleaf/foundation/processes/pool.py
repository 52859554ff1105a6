"""Worker processes behind one awaitable call: whatever a job does to its process, the pool stands."""

from __future__ import annotations

import asyncio
import pickle
from typing import TYPE_CHECKING, Any, Final, Generic, cast

from ironleaf.foundation.processes.crew import Crew
from ironleaf.foundation.processes.frames import (
    Aftermath,
    Answer,
    Failure,
    Frame,
    Refusal,
    Reply,
    ReplyRefused,
    decode_reply,
)
from ironleaf.foundation.processes.link import WorkerGone, WorkerLink
from ironleaf.foundation.processes.loss import (
    BusyReason,
    JobFailed,
    LossReason,
    PoolBusy,
    SandboxMissing,
    WorkerLost,
)
from ironleaf.foundation.processes.queue import finishes
from ironleaf.foundation.processes.spec import Job, Result, WorkerSpec
from ironleaf.foundation.processes.status import PoolStatus, ProcessEvent, ReplacementReason
from ironleaf.foundation.processes.worker import StartOrder

if TYPE_CHECKING:
    from collections.abc import Callable

    from ironleaf.foundation.clock import Clock
    from ironleaf.foundation.processes.limits import ProcessLimits

_INLINE_BYTES_MAX: Final = 1 << 18
"""A larger reply is unpickled in a thread: it would hold up the event loop for milliseconds."""
_AFTERMATH_REASON: Final = {
    Aftermath.OUT_OF_MEMORY: ReplacementReason.MEMORY,
    Aftermath.UNSOUND: ReplacementReason.CRASH,
}


class WorkerPool(Generic[Job, Result]):
    """Runs jobs in ``size`` processes made from one spec.

    Promises: a job that crashes, hangs or eats memory costs itself only; its
    worker is killed and replaced in the background. A caller that is cancelled
    takes its worker's process along at once. No worker outlives this process,
    however it ends. The event loop is never held up. ``on_event`` is called on
    the event loop and must not raise.

    A pool belongs to one event loop, and starts once.
    """

    def __init__(
        self,
        spec: WorkerSpec[Any, Job, Result],
        *,
        size: int,
        limits: ProcessLimits,
        clock: Clock,
        queue_max: int = 1000,
        on_event: Callable[[ProcessEvent], None] | None = None,
        require_sandbox: bool = False,
    ) -> None:
        if size < 1:
            raise ValueError("a pool needs at least one worker")
        self._spec = spec
        self._clock = clock
        self._require_sandbox = require_sandbox
        self._crew = Crew(spec.name, size=size, limits=limits, clock=clock, queue_max=queue_max, on_event=on_event)

    async def start(self) -> None:
        """Start all workers and wait until each has made its handler.

        Raises:
            WorkerLost: a worker did not become ready (reason START).
            SandboxMissing: a sandbox is required, and the kernel has none.
            RuntimeError: the pool was started before.
        """
        if not self._crew.fresh:
            raise RuntimeError("a pool starts once")
        try:
            await self._crew.start(_order_for(self._spec))
            self._check_sandbox()
        except BaseException:
            await self.aclose()
            raise

    async def call(self, job: Job, *, timeout_s: float, queue_timeout_s: float | None = None) -> Result:
        """Run ``job`` in a free worker and return its result.

        ``timeout_s`` bounds the work itself, ``queue_timeout_s`` (default: as long
        as ``timeout_s``) the wait for a worker before it.

        Raises:
            IronleafError: as the handler raised it.
            PoolBusy: no worker took the job, or the pool was closed under it.
            WorkerLost: the worker died under the job, or was killed for it.
            JobFailed: the handler raised anything else.
        """
        body = pickle.dumps(job, protocol=pickle.HIGHEST_PROTOCOL)
        link = await self._crew.take(timeout_s if queue_timeout_s is None else queue_timeout_s)
        frame = await self._converse(link, body, timeout_s)
        noise = self._settle(link, frame)
        return cast("Result", _open(await _decode(frame.body), frame.aftermath, noise))

    async def aclose(self) -> None:
        """End all workers, whatever they do, and free everything. Safe to call again.

        Calls under way and in the queue end with `PoolBusy`.
        """
        await self._crew.aclose()

    def status(self) -> PoolStatus:
        """Return the pool's present state."""
        return self._crew.status()

    def _check_sandbox(self) -> None:
        sandbox = self._crew.sandbox
        if self._require_sandbox and not (sandbox is not None and sandbox.seccomp):
            raise SandboxMissing("this kernel has no seccomp for us")

    async def _converse(self, link: WorkerLink, body: bytes, timeout_s: float) -> Frame:
        reply = link.ask(body)
        try:
            finished = await finishes(reply, timeout_s, clock=self._clock)
        except asyncio.CancelledError:
            self._crew.lose(link, ReplacementReason.CANCELLED)
            raise
        if not finished:
            noise = link.hear()
            self._crew.lose(link, ReplacementReason.TIMEOUT)
            raise WorkerLost(LossReason.TIMEOUT, private_noise=noise)
        if reply.cancelled():
            raise PoolBusy(BusyReason.CLOSED)
        try:
            return reply.result()
        except WorkerGone:
            raise await self._explain(link) from None

    async def _explain(self, link: WorkerLink) -> WorkerLost | PoolBusy:
        death = self._crew.lose(link)
        if death is None:
            return PoolBusy(BusyReason.CLOSED)
        ended = await asyncio.shield(death)
        return WorkerLost(LossReason(ended.reason), exit_code=ended.exit_code, private_noise=ended.noise)

    def _settle(self, link: WorkerLink, frame: Frame) -> str:
        """Give the worker back, or give it up; return its noise if it is given up."""
        reason = _AFTERMATH_REASON.get(frame.aftermath)
        if reason is None:
            self._crew.give_back(link, frame)
            return ""
        noise = link.hear()
        self._crew.lose(link, reason)
        return noise


def _order_for(spec: WorkerSpec[Any, Any, Any]) -> bytes:
    inner = pickle.dumps(spec, protocol=pickle.HIGHEST_PROTOCOL)
    order = StartOrder(spec=inner, read_roots=spec.read_roots, write_roots=spec.write_roots)
    return pickle.dumps(order, protocol=pickle.HIGHEST_PROTOCOL)


async def _decode(body: bytes) -> Reply:
    try:
        if len(body) <= _INLINE_BYTES_MAX:
            return decode_reply(body)
        return await asyncio.to_thread(decode_reply, body)
    except ReplyRefused as error:
        raise JobFailed("ReplyRefused", private_text=str(error)) from error


def _open(reply: Reply, aftermath: Aftermath, noise: str) -> object:
    if isinstance(reply, Answer):
        return reply.result
    if isinstance(reply, Refusal):
        raise reply.error
    if not isinstance(reply, Failure):
        raise JobFailed("ReplyRefused")
    if aftermath is Aftermath.OUT_OF_MEMORY:
        raise WorkerLost(LossReason.MEMORY, private_text=reply.text, private_stack=reply.stack, private_noise=noise)
    raise JobFailed(reply.exception_type, private_text=reply.text, private_stack=reply.stack, private_noise=noise)
