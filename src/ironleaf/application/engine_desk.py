"""What is known of the engines: for callers the ladder, for operators breakers and their control by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ironleaf.document import EngineName
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.errors import Text
from ironleaf.foundation.health import HealthStatus, Probe
from ironleaf.foundation.resilience import BreakerSnapshot, Bulkhead, BulkheadSnapshot
from ironleaf.services.engines import ledger_words as words
from ironleaf.services.engines.examination import Finding
from ironleaf.services.engines.healing import ReplaceableModel
from ironleaf.services.engines.ledger import HealingAction, HealingEntry, HealingLedger, HealingOutcome
from ironleaf.services.engines.probe import BackendWatch, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLine:
    """One rung of the ladder, as callers may know it."""

    name: EngineName
    """Who stands in `pages[].engine`."""
    alias: str
    """Who stands in `pages[].model`; the operator's word for it."""
    status: Standing
    """`ready`; `degraded`: asked, but last seen failing; `down`: passed over at present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLadder:
    """The engines in the order in which `engine=auto` asks them."""

    engines: tuple[EngineLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendReport:
    """One backend, for operators."""

    alias: str
    status: Standing
    finding: Finding | None
    """What the last look found; none before the first."""
    address: str
    """Without any credentials."""
    model: str
    """The name that is asked for now; self-healing may have changed it."""
    breaker: BreakerSnapshot
    breaker_since: datetime
    """Of the breaker's last change."""
    calls: BulkheadSnapshot
    """How many pages it reads at once, and may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelServer:
    """A backend's parts, as far as operators are told of them."""

    address: str
    reader: ReplaceableModel
    bulkhead: Bulkhead


class UnknownBackend(LookupError):
    """No backend has this alias."""


class EngineDesk:
    """Answers questions about the engines, and takes orders from a person. It asks no model server anything."""

    def __init__(
        self,
        watches: Sequence[BackendWatch],
        embedded: Probe,
        *,
        servers: Sequence[ModelServer],
        ledger: HealingLedger,
        clock: Clock,
    ) -> None:
        self._watches = {watch.alias: watch for watch in watches}
        self._servers = {server.reader.alias: server for server in servers}
        self._embedded = embedded
        self._ledger = ledger
        self._clock = clock

    async def ladder(self) -> EngineLadder:
        """Return the ladder. Nothing in it tells where an engine runs or what model it is."""
        own = await self._embedded.check()
        embedded = Standing.DOWN if own.status is HealthStatus.UNHEALTHY else Standing.READY
        return EngineLadder(
            engines=(
                _line(EngineName.TEXT_LAYER, Standing.READY),
                *(
                    EngineLine(name=EngineName.VL, alias=watch.alias, status=watch.standing())
                    for watch in self._watches.values()
                ),
                _line(EngineName.EMBEDDED, embedded),
            )
        )

    async def standings(self) -> tuple[tuple[str, str], ...]:
        """Return each engine's alias with its standing, for a card."""
        return tuple((line.alias, line.status.value) for line in (await self.ladder()).engines)

    def report(self) -> tuple[BackendReport, ...]:
        """Return every backend with its breaker. For operators only."""
        return tuple(map(self._describe, self._watches.values()))

    def history(self, limit: int) -> tuple[HealingEntry, ...]:
        """Return the newest entries of the healing ledger. For operators only."""
        return self._ledger.read(limit)

    def open(self, alias: str) -> BackendReport:
        """Ask a backend nothing until it is closed or reset by hand.

        Raises:
            UnknownBackend: there is none of this alias.
        """
        watch = self._find(alias)
        watch.breaker.open()
        return self._tell(watch, HealingAction.BREAKER_OPENED, undo=words.UNDO_OPENING)

    def close(self, alias: str) -> BackendReport:
        """Ask a backend again; if the trouble is still there, it opens again, for longer than before.

        Raises:
            UnknownBackend: there is none of this alias.
        """
        watch = self._find(alias)
        watch.breaker.close()
        return self._tell(watch, HealingAction.BREAKER_CLOSED, undo=words.UNDO_CLOSING)

    def reset(self, alias: str) -> BackendReport:
        """Ask a backend again and forget its past.

        Raises:
            UnknownBackend: there is none of this alias.
        """
        watch = self._find(alias)
        watch.breaker.reset()
        return self._tell(watch, HealingAction.BREAKER_RESET, undo=words.UNDO_RESET)

    def _find(self, alias: str) -> BackendWatch:
        try:
            return self._watches[alias]
        except KeyError:
            raise UnknownBackend from None

    def _tell(self, watch: BackendWatch, action: HealingAction, *, undo: Text) -> BackendReport:
        self._ledger.record(
            HealingEntry(
                at=self._clock.now(),
                backend=watch.alias,
                action=action,
                cause=words.BY_HAND.en,
                guard_rail=words.A_PERSON_DECIDED.en,
                outcome=HealingOutcome.DONE,
                undo=undo.en,
            )
        )
        return self._describe(watch)

    def _describe(self, watch: BackendWatch) -> BackendReport:
        server, breaker = self._servers[watch.alias], watch.breaker.snapshot()
        return BackendReport(
            alias=watch.alias,
            status=watch.standing(),
            finding=watch.finding(),
            address=server.address,
            model=server.reader.model,
            breaker=breaker,
            breaker_since=self._clock.now() - timedelta(seconds=breaker.state_age_s),
            calls=server.bulkhead.snapshot(),
        )


def _line(name: EngineName, status: Standing) -> EngineLine:
    return EngineLine(name=name, alias=name.value, status=status)
