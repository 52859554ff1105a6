"""The health board: successes are remembered, failures never, one blip is forgiven."""

from __future__ import annotations

import asyncio

import pytest

from ironleaf.faults.clock import ManualClock
from ironleaf.foundation.health import HealthBoard, HealthStatus, ProbeResult
from ironleaf.foundation.health.board import CACHED_S

pytestmark = pytest.mark.anyio
GOOD, BAD, WEAK = HealthStatus.HEALTHY, HealthStatus.UNHEALTHY, HealthStatus.DEGRADED


class Scripted:
    """A probe that answers what the script says; the last line holds."""

    def __init__(self, *script: HealthStatus | Exception, name: str = "database") -> None:
        self.name = name
        self.script = list(script)
        self.asked = 0
        self.gate: asyncio.Event | None = None

    async def check(self) -> ProbeResult:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Exception):
            raise step
        return ProbeResult(status=step, detail="at 10.0.0.7")


async def ask(board: HealthBoard, clock: ManualClock, times: int) -> list[HealthStatus]:
    answers: list[HealthStatus] = []
    for _ in range(times):
        answers.append((await board.report()).status)
        clock.advance(CACHED_S + 0.1)
    return answers


async def test_a_success_is_remembered_for_two_seconds() -> None:
    clock, probe = ManualClock(), Scripted(GOOD)
    board = HealthBoard([probe], clock)
    await board.report()
    clock.advance(CACHED_S - 0.1)
    await board.report()
    assert probe.asked == 1
    clock.advance(0.2)
    await board.report()
    assert probe.asked == 2


async def test_one_failure_after_a_success_is_forgiven_and_two_are_not() -> None:
    clock = ManualClock()
    board = HealthBoard([Scripted(GOOD, BAD, GOOD, BAD, BAD, BAD, GOOD)], clock)
    assert await ask(board, clock, 7) == [GOOD, GOOD, GOOD, GOOD, BAD, BAD, GOOD]


async def test_failures_are_never_remembered_and_nothing_is_forgiven_at_the_start() -> None:
    clock, probe = ManualClock(), Scripted(BAD)
    board = HealthBoard([probe], clock)
    assert (await board.report()).status is BAD
    assert (await board.report()).status is BAD
    assert probe.asked == 2


async def test_a_probe_that_raises_or_hangs_is_unhealthy() -> None:
    clock, hanging = ManualClock(), Scripted(GOOD, name="model")
    hanging.gate = asyncio.Event()
    board = HealthBoard([Scripted(OSError("no route")), hanging], clock, probe_s=0.01)
    report = await board.report()
    assert {name: result.status for name, result in report.components.items()} == {"database": BAD, "model": BAD}
    told = report.components["database"]
    assert (told.detail, told.detail_in("zh")) == ("the probe failed: OSError", "探测失败：OSError")
    assert report.components["model"].detail_in("zh") == "探测超时"


async def test_the_worst_component_decides() -> None:
    clock = ManualClock()
    board = HealthBoard([Scripted(GOOD, name="a"), Scripted(WEAK, name="b")], clock)
    assert (await board.report()).status is WEAK
    assert (await HealthBoard([], clock).report()).status is GOOD


async def test_many_callers_cause_one_probe() -> None:
    clock, probe = ManualClock(), Scripted(BAD)
    probe.gate = asyncio.Event()
    board = HealthBoard([probe], clock)
    callers = [asyncio.ensure_future(board.report()) for _ in range(5)]
    await clock.settle()
    probe.gate.set()
    assert {report.status for report in await asyncio.gather(*callers)} == {BAD}
    assert probe.asked == 1


def test_two_probes_may_not_share_a_name() -> None:
    with pytest.raises(ValueError, match="same name"):
        HealthBoard([Scripted(GOOD), Scripted(GOOD)], ManualClock())
