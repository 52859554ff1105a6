"""Keeps a fixed number of workers alive: starts, hands out, takes back, buries, replaces."""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ironleaf.foundation.processes.frames import Failure, Frame, Ready, Reply, ReplyRefused, decode_reply
from ironleaf.foundation.processes.link import Death, WorkerGone, WorkerLink, open_link
from ironleaf.foundation.processes.loss import BusyReason, LossReason, PoolBusy, WorkerLost, tell_loss
from ironleaf.foundation.processes.memory_kills import count_memory_kills
from ironleaf.foundation.processes.queue import WorkerQueue, finishes
from ironleaf.foundation.processes.status import (
    JobQueued,
    PoolStatus,
    ProcessEvent,
    ReplacementReason,
    WorkerReplaced,
    WorkerStartFailed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ironleaf.foundation.clock import Clock
    from ironleaf.foundation.processes.limits import ProcessLimits
    from ironleaf.foundation.processes.sandbox.report import SandboxReport

_T = TypeVar("_T")
_BACKOFF_BASE_S: Final = 0.2
_BACKOFF_CAP_S: Final = 10.0
"""Between attempts to replace a worker that does not start."""


class Crew:
    """The workers of one pool and the queue for them."""

    def __init__(
        self,
        name: str,
        *,
        size: int,
        limits: ProcessLimits,
        clock: Clock,
        queue_max: int,
        on_event: Callable[[ProcessEvent], None] | None,
    ) -> None:
        self._name = name
        self._size = size
        self._limits = limits
        self._clock = clock
        self._queue = WorkerQueue(length_max=queue_max, clock=clock, on_unused=self.admit)
        self._on_event = on_event
        self._order = b""
        self._threads: ThreadPoolExecutor | None = None
        self._links: set[WorkerLink] = set()
        """All that work, or are about to."""
        self._ready: set[WorkerLink] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._replaced: Counter[ReplacementReason] = Counter()
        self._memory_kills = count_memory_kills()
        self._closing = asyncio.Event()
        self.sandbox: SandboxReport | None = None

    async def start(self, order: bytes) -> None:
        """Start all workers with ``order`` and wait until each is ready.

        Raises:
            WorkerLost: one did not become ready (reason START).
        """
        self._order = order
        self._threads = ThreadPoolExecutor(self._size + 2, thread_name_prefix=f"pool-{self._name}")
        starts = [self._keep(self._hatch()) for _ in range(self._size)]
        # Shielded: a start that is given up halfway is ended by `aclose`.
        outcomes = await asyncio.shield(asyncio.gather(*starts, return_exceptions=True))
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            self.admit(outcome)

    async def aclose(self) -> None:
        """End all workers and wait until nothing of them is left. Safe to call again."""
        self._closing.set()
        self._queue.close()
        for link in list(self._links):
            self._dismiss(link)
        while self._tasks:
            await asyncio.wait(list(self._tasks))
        if self._threads is not None:
            self._threads.shutdown(wait=False)

    @property
    def fresh(self) -> bool:
        """Neither started nor closed."""
        return self._threads is None and not self._closing.is_set()

    def status(self) -> PoolStatus:
        """Return the present state."""
        return PoolStatus(
            name=self._name,
            size=self._size,
            alive=len(self._ready),
            busy=len(self._ready) - self._queue.idle_count,
            queued=self._queue.waiting_count,
            replaced=dict(self._replaced),
            sandbox=self.sandbox,
            ready=bool(self._ready) and not self._closing.is_set(),
        )

    async def take(self, wait_s: float) -> WorkerLink:
        """Return a free worker, waiting at most ``wait_s`` seconds for it.

        Raises:
            PoolBusy: there is none, or the crew is closed.
        """
        if self._closing.is_set() or self._threads is None:
            raise PoolBusy(BusyReason.CLOSED)
        if self._queue.idle_count:
            return await self._queue.take(wait_s)
        began_s = self._clock.monotonic()
        link = await self._queue.take(wait_s)
        self._tell(JobQueued(pool=self._name, waited_s=self._clock.monotonic() - began_s))
        return link

    def admit(self, link: WorkerLink) -> None:
        """Give a free worker to whose turn it is, or let it rest."""
        if link not in self._links:
            return
        if link.gone:
            self.lose(link)
            return
        self._ready.add(link)
        self._queue.offer(link)

    def give_back(self, link: WorkerLink, frame: Frame) -> None:
        """Take a worker back after a job that it survived, and renew it when it has grown old."""
        link.jobs_done += 1
        if link not in self._links:
            return
        if link.superseded:
            self._dismiss(link)
            return
        reason = self._age(link, frame)
        if reason is not None and not link.renewing:
            link.renewing = True
            self._keep(self._renew(link, reason))
        self.admit(link)

    def lose(self, link: WorkerLink, reason: ReplacementReason | None = None) -> asyncio.Task[Death] | None:
        """Kill a worker and see to its replacement; return its death, or None if the crew is closed.

        Without ``reason`` the process died by itself, and the reason is found out.
        """
        if self._closing.is_set():
            return None
        if link not in self._links:
            return link.burial
        began_s = self._clock.monotonic()
        if reason is not None:
            self._replaced[reason] += 1
        death = self._dismiss(link, reason)
        if not link.superseded:
            self._keep(self._replace(link, death, began_s))
        return death

    def _lose_idle(self, link: WorkerLink) -> None:
        if link in self._ready:  # one that is not ready yet is awaited, and missed there
            self.lose(link)

    def _age(self, link: WorkerLink, frame: Frame) -> ReplacementReason | None:
        if link.jobs_done >= self._limits.jobs_max:
            return ReplacementReason.JOBS_MAX
        if frame.resident_bytes - link.resident_at_start_bytes > self._limits.resident_growth_bytes:
            return ReplacementReason.RESIDENT_GROWTH
        return None

    def _dismiss(self, link: WorkerLink, reason: ReplacementReason | None = None) -> asyncio.Task[Death]:
        if link.burial is not None:
            return link.burial
        self._links.discard(link)
        self._ready.discard(link)
        self._queue.withdraw(link)
        if reason is not None or link.superseded or self._closing.is_set():
            link.kill()
        link.burial = self._keep(self._bury(link, reason))
        return link.burial

    async def _bury(self, link: WorkerLink, reason: ReplacementReason | None) -> Death:
        exit_code = await self._in_thread(link.bury)
        noise = link.hear()
        link.close()
        if reason is None:
            memory_kills = count_memory_kills()
            memory_killed, self._memory_kills = memory_kills > self._memory_kills, memory_kills
            reason = ReplacementReason(tell_loss(exit_code, noise, memory_killed=memory_killed))
            if not (link.superseded or self._closing.is_set()):
                self._replaced[reason] += 1
        return Death(reason, exit_code, noise)

    async def _hatch(self) -> WorkerLink:
        """Start a worker and wait until it is ready.

        Raises:
            WorkerLost: it did not become ready (reason START).
            PoolBusy: the crew was closed meanwhile.
        """
        try:
            link = await self._in_thread(lambda: open_link(self._name, self._limits))
        except Exception as error:  # no process, no fork server, no thread: nothing may end the healing
            raise WorkerLost(LossReason.START, private_text=str(error)) from error
        link.attach(asyncio.get_running_loop(), on_idle_death=self._lose_idle)
        self._links.add(link)
        if self._closing.is_set():
            self._dismiss(link)
            raise PoolBusy(BusyReason.CLOSED)
        reply = await self._greet(link)
        if isinstance(reply, Ready):
            self.sandbox = reply.sandbox
            return link
        death = self._dismiss(link, ReplacementReason.START)
        if reply is None:
            ended = await asyncio.shield(death)
            raise WorkerLost(LossReason.START, exit_code=ended.exit_code, private_noise=ended.noise)
        failure = reply if isinstance(reply, Failure) else Failure("ReplyRefused", "", "")
        text = f"{failure.exception_type}: {failure.text}"
        raise WorkerLost(LossReason.START, private_text=text, private_stack=failure.stack)

    async def _greet(self, link: WorkerLink) -> Reply | None:
        """Return a new worker's first reply; None if there was none in time."""
        reply = link.ask(self._order)
        if not await finishes(reply, self._limits.start_timeout_s, clock=self._clock):
            return None
        if reply.cancelled():
            raise PoolBusy(BusyReason.CLOSED)
        try:
            frame = reply.result()
            link.resident_at_start_bytes = frame.resident_bytes
            return decode_reply(frame.body)
        except (WorkerGone, ReplyRefused):
            return None

    async def _replace(self, link: WorkerLink, death: asyncio.Task[Death], began_s: float) -> None:
        attempt = 1
        while (fresh := await self._try_to_hatch(attempt)) is None:
            if await self._closes_within(min(_BACKOFF_CAP_S, _BACKOFF_BASE_S * attempt**2)):
                return
            attempt += 1
        self.admit(fresh)
        ended = await asyncio.shield(death)
        self._report_replaced(link, ended, began_s)

    async def _renew(self, link: WorkerLink, reason: ReplacementReason) -> None:
        began_s = self._clock.monotonic()
        fresh = await self._try_to_hatch(1)
        link.renewing = False
        if fresh is None:
            return
        if link not in self._links:  # lost meanwhile, and replaced for that
            self._dismiss(fresh, reason)
            return
        link.superseded = True
        self._replaced[reason] += 1
        self.admit(fresh)
        if self._queue.withdraw(link):
            self._dismiss(link)
        self._report_replaced(link, Death(reason, None, ""), began_s)

    async def _try_to_hatch(self, attempt: int) -> WorkerLink | None:
        try:
            return await self._hatch()
        except PoolBusy:
            return None
        except WorkerLost as error:
            self._replaced[ReplacementReason.START] += 1
            self._tell(WorkerStartFailed(pool=self._name, attempt=attempt, private_text=error.private_text))
            return None

    async def _closes_within(self, duration_s: float) -> bool:
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            return await finishes(closing, duration_s, clock=self._clock)
        finally:
            closing.cancel()

    def _report_replaced(self, link: WorkerLink, death: Death, began_s: float) -> None:
        self._tell(
            WorkerReplaced(
                pool=self._name,
                reason=death.reason,
                exit_code=death.exit_code,
                jobs_done=link.jobs_done,
                duration_s=self._clock.monotonic() - began_s,
                private_noise=death.noise,
            )
        )

    def _tell(self, event: ProcessEvent) -> None:
        if self._on_event is not None:
            # On its own, so that a listener that raises stops nothing here.
            asyncio.get_running_loop().call_soon(self._on_event, event)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _keep(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        # Never cancelled: a half-started process must be seen through to its end.
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
