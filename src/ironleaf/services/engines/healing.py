"""What is done about a backend whose model is gone: look for it, take a namesake, have it loaded again.

Nothing is switched to that has not just read the canary page, and nothing is
given up for a listing that failed: servers lie about what they serve.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from ironleaf.foundation.errors import IronleafError
from ironleaf.foundation.resilience import BreakerState
from ironleaf.services.engines import ledger_words as words
from ironleaf.services.engines import relaunch
from ironleaf.services.engines.base import Engine
from ironleaf.services.engines.examination import look_at
from ironleaf.services.engines.ledger import HealingAction, HealingEntry, HealingOutcome
from ironleaf.services.engines.rediscovery import choose_candidates

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from ironleaf.foundation.clock import Clock
    from ironleaf.foundation.errors import Text
    from ironleaf.foundation.resilience import CircuitBreaker
    from ironleaf.services.engines.examination import ProbeBudget
    from ironleaf.services.engines.ledger import HealingLedger
    from ironleaf.services.engines.vision_language.client import ModelCard

CANDIDATES_MAX: Final = 3
"""Canary pages shown in one look: a server that serves more namesakes than that has other troubles."""
SHOW_AGAIN_S: Final = 30.0
"""A model that is listed and does not read is shown the canary page no oftener; one that has just appeared, at once."""

_UNDO: Final = {
    HealingAction.MODEL_SWITCHED: words.UNDO_SWITCH,
    HealingAction.MODEL_RESTORED: words.UNDO_RESTORE,
    HealingAction.MODEL_RETURNED: words.UNDO_RETURN,
    HealingAction.MODEL_RELAUNCHED: words.UNDO_RELAUNCH,
}


class ReplaceableModel(Engine, Protocol):
    """An engine whose model may be asked for by another name."""

    @property
    def model(self) -> str: ...

    def use_model(self, model: str) -> None: ...

    def with_model(self, model: str) -> Engine:
        """Return a twin that asks for another model; this one stays as it is."""
        ...

    async def list_models(self) -> tuple[ModelCard, ...]: ...

    async def launch_model(self, spec: Mapping[str, object], *, timeout_s: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HealingOptions:
    rediscover: bool = True
    dry_run: bool = False
    relaunch: Mapping[str, object] | None = None
    """The launch request; None: never."""


class Healer:
    """Heals one backend. Its owner calls it from one task: actions are never two at a time.

    ``launching`` is shared by all backends: a server that loads two models at once may lose both.
    """

    def __init__(
        self,
        reader: ReplaceableModel,
        breaker: CircuitBreaker,
        *,
        options: HealingOptions,
        ledger: HealingLedger,
        clock: Clock,
        launching: asyncio.Lock,
        budget: ProbeBudget,
    ) -> None:
        self._reader = reader
        self._breaker = breaker
        self._options = options
        self._ledger = ledger
        self._clock = clock
        self._launching = launching
        self._budget = budget
        self._configured = reader.model
        self._families: tuple[str, ...] = ()
        self._missing_since_s: float | None = None
        self._shown: tuple[str, ...] = ()
        self._shown_at_s = -math.inf
        self._told: tuple[HealingAction, HealingOutcome, str] | None = None

    @property
    def switched(self) -> bool:
        """Whether another model than the configured one is asked for."""
        return self._reader.model != self._configured

    async def learn(self) -> bool:
        """Note by which other names the server calls the model while it is there; tell whether there was a listing."""
        cards = await self._list()
        for card in cards or ():
            if card.id == self._configured:
                self._families = card.families
        return cards is not None

    async def heal(self) -> bool:
        """Look for the model that is gone; return whether the backend reads again."""
        cards = await self._list()
        if cards is None:
            return False
        if self._options.rediscover and await self._rediscover(cards):
            self._missing_since_s = None
            return True
        if any(card.id == self._configured for card in cards):
            self._missing_since_s = None  # it is there and does not read: loading it again would not be the cure
            return False
        if self._missing_since_s is None:
            self._missing_since_s = self._clock.monotonic()
        waited_s = self._clock.monotonic() - self._missing_since_s
        return self._options.relaunch is not None and waited_s >= relaunch.GONE_S and await self._relaunch()

    async def restore(self) -> bool:
        """Go back to the configured model if it is listed and reads again; return whether we did."""
        cards = await self._list()
        if not self.switched or not any(card.id == self._configured for card in cards or ()):
            return False
        if not await self._reads(self._configured):
            return False
        facts = {"from": self._reader.model, "to": self._configured}
        self._reader.use_model(self._configured)
        self._tell(HealingAction.MODEL_RESTORED, HealingOutcome.DONE, cause=words.MODEL_READS_AGAIN, **facts)
        return True

    def settle(self) -> None:
        """Take note that the backend works: what happens from now on is another story."""
        self._missing_since_s = None
        self._shown, self._shown_at_s = (), -math.inf
        self._told = None

    async def _rediscover(self, cards: tuple[ModelCard, ...]) -> bool:
        candidates = choose_candidates(cards, self._configured, families=self._families)[:CANDIDATES_MAX]
        if not self._is_due(tuple(card.id for card in candidates)):
            return False
        for card in candidates:
            if await self._reads(card.id):
                return self._adopt(card.id)
        return False

    def _is_due(self, models: tuple[str, ...]) -> bool:
        """Tell whether to show the canary page to ``models``: to new ones at once, else now and then."""
        now_s = self._clock.monotonic()
        if models == self._shown and now_s - self._shown_at_s < SHOW_AGAIN_S:
            return False
        self._shown, self._shown_at_s = models, now_s
        return True

    def _adopt(self, model: str) -> bool:
        before = self._reader.model
        action = HealingAction.MODEL_RETURNED if model == before else HealingAction.MODEL_SWITCHED
        if model == self._configured != before:
            action = HealingAction.MODEL_RESTORED
        outcome = HealingOutcome.DRY_RUN if self._options.dry_run else HealingOutcome.DONE
        self._tell(action, outcome, cause=words.MODEL_GONE, **{"from": before, "to": model})
        if self._options.dry_run:
            return False
        if model != before:
            self._reader.use_model(model)
        return self._close()

    async def _relaunch(self) -> bool:
        past = self._ledger.read(relaunch.LEDGER_ENTRIES_READ)
        if not relaunch.is_allowed(past, self._reader.alias, self._clock.now()):
            self._tell_relaunch(HealingOutcome.HELD_BACK)
            return False
        if self._options.dry_run:
            self._tell_relaunch(HealingOutcome.DRY_RUN)
            return False
        async with self._launching:
            # Written down first: another replica, or we after a crash, must not ask a second time meanwhile.
            self._tell_relaunch(HealingOutcome.BEGUN)
            launched = await self._launch()
        self._missing_since_s = self._clock.monotonic()
        self._tell_relaunch(HealingOutcome.DONE if launched else HealingOutcome.FAILED)
        return launched and self._close()

    async def _launch(self) -> bool:
        try:
            await self._reader.launch_model(self._options.relaunch or {}, timeout_s=relaunch.LAUNCH_S)
        except IronleafError:
            return False
        await self._clock.sleep(relaunch.NEGATIVE_CACHE_S)
        if not await self._reads(self._configured):
            return False
        if self.switched:
            self._reader.use_model(self._configured)
        return True

    async def _reads(self, model: str) -> bool:
        return self._budget.take() and (await look_at(self._reader.with_model(model), self._clock)).reads

    def _close(self) -> bool:
        if self._breaker.snapshot().state in {BreakerState.OPEN, BreakerState.HALF_OPEN}:
            self._breaker.close()  # never one that a person opened
        return self._breaker.snapshot().state is BreakerState.CLOSED

    async def _list(self) -> tuple[ModelCard, ...] | None:
        try:
            return await self._reader.list_models()
        except IronleafError:
            return None

    def _tell_relaunch(self, outcome: HealingOutcome) -> None:
        self._tell(HealingAction.MODEL_RELAUNCHED, outcome, cause=words.NOBODY_ELSE, model=self._configured)

    def _tell(self, action: HealingAction, outcome: HealingOutcome, *, cause: Text, **facts: str) -> None:
        """Write an action down; one that was decided and not done is written once, not at every look."""
        told = (action, outcome, repr(sorted(facts.items())))
        if told == self._told and outcome in {HealingOutcome.DRY_RUN, HealingOutcome.HELD_BACK}:
            return
        self._told = told
        rail = words.RELAUNCH_RAIL if action is HealingAction.MODEL_RELAUNCHED else words.CANARY_RAIL
        self._ledger.record(
            HealingEntry(
                at=self._clock.now(),
                backend=self._reader.alias,
                action=action,
                cause=cause.en,
                guard_rail=rail.en,
                outcome=outcome,
                undo=_UNDO[action].en,
                facts=facts,
            )
        )
