"""The desk: callers see rungs, operators see breakers, and what a person does is in the ledger."""

from __future__ import annotations

import asyncio
import math
import random
from typing import TYPE_CHECKING

import pytest

from ironleaf.application.bootstrap import build_backends, build_readers, build_servers, build_watches
from ironleaf.application.engine_desk import EngineDesk, UnknownBackend
from ironleaf.application.settings import VlSettings
from ironleaf.faults import ManualClock
from ironleaf.foundation.health import HealthStatus, ProbeResult
from ironleaf.foundation.resilience import BreakerState
from ironleaf.services.engines.ledger import FileLedger, HealingAction, HealingOutcome
from ironleaf.services.engines.ledger_words import LEDGER_WORDS, tell_in
from ironleaf.services.engines.vision_language.settings import BackendSettings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

ADDRESS = "http://model-host.invalid:9997/v1"


class Embedded:
    name = "model"
    status = HealthStatus.HEALTHY

    async def check(self) -> ProbeResult:
        return ProbeResult(status=self.status)


@pytest.fixture
def desk(tmp_path: Path) -> EngineDesk:
    return make_desk(tmp_path)


def make_desk(directory: Path) -> EngineDesk:
    """Return a desk over two backends that are asked nothing."""
    clock = ManualClock()
    settings = VlSettings(
        backends=tuple(
            BackendSettings(alias=alias, base_url=ADDRESS, model="secret-model", api_key="sk-canary-0123456789")
            for alias in ("a", "b")
        )
    )
    readers = build_readers(settings)
    ledger = FileLedger(directory, bytes_max=1 << 20)
    backends = build_backends(settings, clock, random.Random(1), readers)
    watches = build_watches(settings, readers, backends, ledger, clock)
    servers = build_servers(settings, readers, backends)
    return EngineDesk(watches, Embedded(), servers=servers, ledger=ledger, clock=clock)


async def test_callers_see_the_rungs_in_order_and_nothing_else(desk: EngineDesk) -> None:
    desk.open("b")
    ladder = await desk.ladder()
    assert [(line.name.value, line.alias, line.status.value) for line in ladder.engines] == [
        ("text_layer", "text_layer", "ready"),
        ("vl", "a", "ready"),
        ("vl", "b", "down"),
        ("embedded", "embedded", "ready"),
    ]
    assert not [word for word in ("model-host", "9997", "secret-model") if word in repr(ladder)]


async def test_an_embedded_engine_without_workers_is_down(desk: EngineDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Embedded, "status", HealthStatus.UNHEALTHY)
    assert (await desk.ladder()).engines[-1].status == "down"


async def test_a_breaker_opens_closes_and_resets_by_hand_and_each_is_written_down(desk: EngineDesk) -> None:
    opened = desk.open("a")
    assert (opened.breaker.state, opened.status) == (BreakerState.FORCED_OPEN, "down")
    assert desk.close("a").breaker.state is BreakerState.CLOSED
    desk.open("a")
    assert desk.reset("a").breaker.state is BreakerState.CLOSED
    history = desk.history(10)
    assert [entry.action for entry in history] == [
        HealingAction.BREAKER_RESET,
        HealingAction.BREAKER_OPENED,
        HealingAction.BREAKER_CLOSED,
        HealingAction.BREAKER_OPENED,
    ]
    assert {(entry.backend, entry.cause, entry.outcome) for entry in history} == {("a", "by hand", HealingOutcome.DONE)}
    assert all(entry.undo for entry in history)
    told = tell_in(history[0], "zh")
    assert (told.cause, told.guard_rail, told.undo) == ("人工操作", "由人工决定", "人工打开；历史记录已清除")
    assert all(tell_in(entry, "en") == entry for entry in history)
    assert all({entry.cause, entry.guard_rail, entry.undo} <= set(LEDGER_WORDS) for entry in history)
    assert desk.report()[1].breaker.openings == 0, "the other backend is left alone"


async def test_a_breaker_opened_by_hand_stays_so(desk: EngineDesk) -> None:
    report = desk.open("a")
    assert math.isfinite(report.breaker.retry_after_s), "callers are told a time all the same"
    watch = desk._watches["a"]
    watch._clock.advance(10_000)  # type: ignore[attr-defined]
    await asyncio.wait_for(watch.turn(), 1)
    assert desk.report()[0].breaker.state is BreakerState.FORCED_OPEN


async def test_an_unknown_alias_is_said_to_be_unknown(desk: EngineDesk) -> None:
    for act in (desk.open, desk.close, desk.reset):
        with pytest.raises(UnknownBackend):
            act("c")
    assert desk.history(10) == ()
