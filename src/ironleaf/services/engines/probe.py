"""Watches each backend on a schedule, so that no caller has to find out that it is back, and `/health` need not ask.

| the breaker is | what a turn does |
| --- | --- |
| closed | the canary page every minute, unless callers' pages were read meanwhile; after a failed one soon again |
| open, its time over | one probe by the breaker itself |
| open, the model gone | a look at what the server lists, every few seconds; re-discovery when that changes |
| opened by hand | nothing |
"""

from __future__ import annotations

import contextlib
import logging
import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.errors import IronleafError, Text
from ironleaf.foundation.health import HealthStatus, Probe, ProbeResult
from ironleaf.foundation.resilience import BreakerState, CallContext, CircuitOpen, OpenReason, ResultKind
from ironleaf.services.engines.canary import CANARY_S, CanaryFailed
from ironleaf.services.engines.examination import Finding, Look, look_at
from ironleaf.services.engines.vision_language.answer import UpstreamFailure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ironleaf.foundation.clock import Clock
    from ironleaf.foundation.resilience import BreakerSnapshot, CircuitBreaker
    from ironleaf.services.engines.base import Engine
    from ironleaf.services.engines.examination import ProbeBudget
    from ironleaf.services.engines.healing import Healer

TICK_S: Final = 1.0
"""Between two turns: a breaker's shortest open time is a few seconds. A turn without work costs microseconds."""
RESTORE_EVERY_S: Final = 300.0
"""How often a server is asked whether the configured model is back, while another one reads well."""
CONFIRM_EVERY_S: Final = 10.0
"""Between looks after a failed one: a dead model is told from a lost packet within half a minute."""
CONFIRMING_LOOKS: Final = 3
"""With the first they are the breaker's four failures; a server that still fails only now and then is not pestered."""

_BY_REASON: Final = {
    OpenReason.MODEL_GONE: Finding.MODEL_MISSING,
    OpenReason.AUTHENTICATION: Finding.KEY_REFUSED,
    OpenReason.QUOTA: Finding.UNPAID,
    OpenReason.CONNECTION_REFUSED: Finding.UNREACHABLE,
    OpenReason.CONTENT: Finding.NONSENSE,
    OpenReason.MANUAL: Finding.RESTING,
}
_FINDINGS: Final = {
    Finding.READS: "可识别",
    Finding.UNREACHABLE: "无法连接",
    Finding.KEY_REFUSED: "密钥被拒",
    Finding.UNPAID: "额度用尽",
    Finding.MODEL_MISSING: "模型不存在",
    Finding.BLIND: "看不见图像",
    Finding.NONSENSE: "答非所问",
    Finding.BUSY: "繁忙",
    Finding.TOO_SLOW: "太慢",
    Finding.RESTING: "暂停中",
    Finding.FAILS: "出错",
}
_NOT_ITS_FAULT: Final = frozenset({Finding.READS, Finding.BUSY, Finding.RESTING})

logger = logging.getLogger(__name__)


class Standing(StrEnum):
    """How an engine is, as callers may know it."""

    READY = "ready"
    DEGRADED = "degraded"
    """It is still asked, and did not read the last canary page."""
    DOWN = "down"
    """It is not asked at present."""


_STANDINGS: Final = {Standing.READY: "就绪", Standing.DEGRADED: "降级", Standing.DOWN: "不可用"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    probe_every_s: float = 60.0
    look_every_s: float = 5.0
    canary: bool = True
    """False for a model that cannot read the canary page: it is then judged by callers' pages alone."""


class BackendWatch:
    """Looks after one backend. `run` it in one task; everything else only reads what was seen last.

    ``reader`` is the engine without its guards: a look is one call, and its
    result is told to ``breaker`` like a caller's.
    """

    def __init__(
        self,
        reader: Engine,
        breaker: CircuitBreaker,
        healer: Healer,
        *,
        options: WatchOptions,
        budget: ProbeBudget,
        clock: Clock,
    ) -> None:
        self.alias = reader.alias
        self.breaker = breaker
        self._reader = reader
        self._healer = healer
        self._options = options
        self._budget = budget
        self._clock = clock
        self._gone = False
        self._learned = False
        self._finding: Finding | None = None
        self._failed_looks = 0
        self._good_results = 0
        self._proven_at_s = -math.inf
        self._looked_at_s = -math.inf
        self._restored_at_s = -math.inf

    def finding(self) -> Finding | None:
        """Return what is known of the backend: why it is not asked, or what the last look found."""
        snapshot = self.breaker.snapshot()
        if snapshot.state is BreakerState.CLOSED:
            return self._finding
        if self._gone and snapshot.state is not BreakerState.FORCED_OPEN:
            return Finding.MODEL_MISSING
        return _BY_REASON.get(snapshot.reason or OpenReason.FAILURES, Finding.FAILS)

    def standing(self) -> Standing:
        """Return how the backend is; it is believed well until it is seen otherwise."""
        if self.breaker.snapshot().state is not BreakerState.CLOSED:
            return Standing.DOWN
        return Standing.READY if self._finding is None or self._finding in _NOT_ITS_FAULT else Standing.DEGRADED

    async def run(self, *, look_at_once: bool = True) -> None:
        """Take a turn every second, until cancelled; the first look may wait until a quiet minute has passed."""
        if not look_at_once:
            self._looked_at_s = self._clock.monotonic()
        while True:
            try:
                await self.turn()
            except Exception:  # whatever goes wrong in one turn, the next one is a new chance
                logger.exception("a turn of the backend watch failed")
            await self._clock.sleep(TICK_S)

    async def turn(self) -> None:
        """Do what is due now."""
        snapshot = self.breaker.snapshot()
        if snapshot.state is BreakerState.FORCED_OPEN or not self._options.canary:
            return
        if snapshot.state is BreakerState.CLOSED:
            await self._check(snapshot)
        else:
            await self._mend(snapshot)

    async def _check(self, snapshot: BreakerSnapshot) -> None:
        if self._gone:
            self._gone = False
            self._healer.settle()
        now_s = self._clock.monotonic()
        if snapshot.results[ResultKind.GOOD] > self._good_results:
            self._note(Finding.READS, snapshot)
        if self._healer.switched and now_s - self._restored_at_s >= RESTORE_EVERY_S:
            self._restored_at_s = now_s
            await self._healer.restore()
        if now_s - max(self._proven_at_s, self._looked_at_s) >= self._pause_s() and self._budget.take():
            await self._look(now_s)
        if self._finding is Finding.READS and not self._learned:
            self._learned = await self._healer.learn()

    def _pause_s(self) -> float:
        doubtful = 0 < self._failed_looks <= CONFIRMING_LOOKS
        return min(CONFIRM_EVERY_S, self._options.probe_every_s) if doubtful else self._options.probe_every_s

    async def _look(self, now_s: float) -> None:
        self._looked_at_s = now_s
        look: Look | None = None

        async def show(_context: CallContext) -> None:
            nonlocal look
            look = await look_at(self._reader, self._clock)
            if isinstance(look.failure, UpstreamFailure):
                look.failure.deadline_bound = False  # a canary page that takes so long tells enough
            if look.failure is not None:
                raise look.failure

        # A failure was found out, which is what the look is for.
        with contextlib.suppress(CircuitOpen, CanaryFailed, IronleafError):
            await self.breaker.execute(show, CallContext(deadline=Deadline.after(CANARY_S, self._clock)))
        if look is not None:
            self._failed_looks = 0 if look.finding in _NOT_ITS_FAULT else self._failed_looks + 1
            self._note(look.finding, self.breaker.snapshot())

    async def _mend(self, snapshot: BreakerSnapshot) -> None:
        now_s = self._clock.monotonic()
        if snapshot.reason is OpenReason.MODEL_GONE and not self._gone:
            self._gone, self._looked_at_s = True, -math.inf
        if self._gone and now_s - self._looked_at_s >= self._options.look_every_s:
            self._looked_at_s, self._restored_at_s = now_s, now_s
            if await self._healer.heal():
                self._note(Finding.READS, self.breaker.snapshot())
                return
        if self._is_due() and self._budget.take() and await self.breaker.try_probe():
            self._note(Finding.READS, self.breaker.snapshot())

    def _is_due(self) -> bool:
        snapshot = self.breaker.snapshot()
        waiting = snapshot.state in {BreakerState.OPEN, BreakerState.HALF_OPEN}
        return waiting and not snapshot.probing and snapshot.retry_after_s <= 0

    def _note(self, finding: Finding, snapshot: BreakerSnapshot) -> None:
        self._finding = finding
        self._good_results = snapshot.results[ResultKind.GOOD]
        if finding is Finding.READS:
            self._failed_looks = 0
            self._proven_at_s = self._clock.monotonic()


class ModelProbe:
    """The component `model` of the health board: who can read pages. It asks nobody, it repeats what was seen.

    Healthy while all can; degraded while anyone can, which is still ready; unhealthy with nobody left.
    """

    def __init__(self, watches: Sequence[BackendWatch], embedded: Probe) -> None:
        self._watches = tuple(watches)
        self._embedded = embedded

    @property
    def name(self) -> str:
        return "model"

    async def check(self) -> ProbeResult:
        own = await self._embedded.check()
        embedded_reads = own.status is not HealthStatus.UNHEALTHY
        standings = [watch.standing() for watch in self._watches]
        if embedded_reads and all(standing is Standing.READY for standing in standings):
            status = HealthStatus.HEALTHY
        elif embedded_reads or any(standing is not Standing.DOWN for standing in standings):
            status = HealthStatus.DEGRADED
        else:
            status = HealthStatus.UNHEALTHY
        seen = [_describe(watch) for watch in self._watches]
        return ProbeResult(
            status=status,
            detail="; ".join((*(each.en for each in seen), f"embedded: {own.detail}")),
            detail_zh="；".join((*(each.zh for each in seen), f"embedded：{own.detail_in('zh')}")),
        )


def _describe(watch: BackendWatch) -> Text:
    standing, finding = watch.standing(), watch.finding()
    return Text(
        f"{watch.alias}: {standing.value} ({finding or 'not looked at yet'})",
        f"{watch.alias}：{_STANDINGS[standing]}（{_FINDINGS[finding] if finding else '尚未检查'}）",
    )
