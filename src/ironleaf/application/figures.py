"""The figures of the house that detection looks at: some every second, those that cost more now and then."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from ironleaf.application.admission import Admission
from ironleaf.application.settings import Settings
from ironleaf.foundation.database.address import SqliteAddress, parse_address
from ironleaf.foundation.health import HealthBoard, HealthStatus
from ironleaf.foundation.monitoring.detection import BackendFigures, DiskFigures, MemoryFigures, QueueFigures, Tick
from ironleaf.foundation.places import find_state_directory
from ironleaf.foundation.processes.memory_use import measure_memory
from ironleaf.foundation.resilience import BreakerState, Bulkhead, OpenReason
from ironleaf.services.engines.examination import Finding
from ironleaf.services.engines.probe import BackendWatch

STATE_RESERVE_BYTES: Final = 256 * 1024 * 1024
"""Free room that database, logs and ledger need to go on."""
DISK: Final = "disk"
SPOOL: Final = "spool"
_NO_TROUBLE: Final = frozenset({Finding.READS, Finding.BUSY, Finding.RESTING})
"""Busy speaks of load, and a breaker that a person opened is no news to anybody."""
_DEFINITE: Final = frozenset({Finding.MODEL_MISSING, Finding.KEY_REFUSED, Finding.UNPAID})


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskPlace:
    """A directory that the product writes to."""

    name: str
    directory: Path
    reserve_bytes: int


class HouseFigures:
    """Reads the house. `take` costs microseconds; the looks touch disks and probes and are made beside it."""

    def __init__(
        self,
        *,
        queues: Sequence[Callable[[], QueueFigures]],
        watches: Sequence[BackendWatch],
        places: Sequence[DiskPlace],
        board: HealthBoard,
    ) -> None:
        self._queues = tuple(queues)
        self._watches = tuple(watches)
        self._places = tuple(places)
        self._board = board
        self._disks: tuple[DiskFigures, ...] = ()
        self._memory: MemoryFigures | None = None
        self._health: Mapping[str, HealthStatus] = {}

    def take(self, tick: Tick) -> Tick:
        """Return the tick with the present figures; those of a look are handed out once."""
        full = replace(
            tick,
            queues=tuple(read() for read in self._queues),
            backends=tuple(map(read_backend, self._watches)),
            disks=self._disks,
            memory=self._memory,
            health=self._health,
        )
        self._disks, self._memory, self._health = (), None, {}
        return full

    async def look_at_health(self) -> None:
        """Ask the health board. Disks are left out: their own rule speaks before the room ends."""
        report = await self._board.report()
        self._health = {name: result.status for name, result in report.components.items() if name != DISK}

    async def look_at_resources(self) -> None:
        """Read disks and memory, in a thread: a network disk may take its time."""
        self._disks, self._memory = await asyncio.to_thread(lambda: (read_disks(self._places), read_memory()))


def read_backend(watch: BackendWatch) -> BackendFigures:
    """Return what is known of a backend, in detection's words."""
    finding = watch.finding()
    if finding is None or finding in _NO_TROUBLE:
        return BackendFigures(alias=watch.alias, reads=finding is Finding.READS)
    snapshot = watch.breaker.snapshot()
    rests = snapshot.state is not BreakerState.CLOSED
    refused = rests and snapshot.reason is OpenReason.CONNECTION_REFUSED
    return BackendFigures(
        alias=watch.alias,
        trouble=finding.value,
        definite=refused or finding in _DEFINITE,
        proven=rests and snapshot.reason is OpenReason.PROBE_FAILED,
    )


def list_places(settings: Settings) -> tuple[DiskPlace, ...]:
    """Return the directories whose disks are looked after: where files, records and logs are written."""
    files, logs, database = settings.files, settings.logs, parse_address(settings.database.url)
    spool = DiskPlace(name=SPOOL, directory=files.spool_directory, reserve_bytes=files.spool_free_bytes_min)
    others = {"state": find_state_directory()}
    if isinstance(database, SqliteAddress):
        others["database"] = database.path.parent
    if logs.file:
        others["logs"] = logs.directory
    kept = (DiskPlace(name=name, directory=where, reserve_bytes=STATE_RESERVE_BYTES) for name, where in others.items())
    return spool, *kept


def read_disks(places: Sequence[DiskPlace]) -> tuple[DiskFigures, ...]:
    """Return the room on each file system once, under the name of the first place on it; missing ones are left out."""
    found: dict[int, DiskFigures] = {}
    for place in places:
        directory = next((each for each in (place.directory, *place.directory.parents) if each.is_dir()), None)
        if directory is None:
            continue
        device = directory.stat().st_dev
        if device not in found:
            free_bytes = shutil.disk_usage(directory).free
            found[device] = DiskFigures(name=place.name, free_bytes=free_bytes, reserve_bytes=place.reserve_bytes)
    return tuple(found.values())


def read_memory() -> MemoryFigures:
    """Return the memory of the nearest limit."""
    use = measure_memory()
    return MemoryFigures(used_bytes=use.used_bytes, limit_bytes=use.limit_bytes, tree_bytes=use.tree_bytes)


def build_figures(
    places: Sequence[DiskPlace],
    admission: Admission,
    bulkheads: Sequence[Bulkhead],
    watches: Sequence[BackendWatch],
    board: HealthBoard,
) -> HouseFigures:
    """Return the figures of these parts of a house; the queues are those before conversions and before each backend."""

    def read_conversions() -> QueueFigures:
        return QueueFigures(name="conversions", waiting=admission.waiting, waiting_max=admission.queued_max)

    def read_bulkhead(bulkhead: Bulkhead) -> QueueFigures:
        waiting = bulkhead.snapshot().queued
        return QueueFigures(name=f"backend:{bulkhead.name}", waiting=waiting, waiting_max=bulkhead.queue_max)

    queues = (read_conversions, *(partial(read_bulkhead, each) for each in bulkheads))
    return HouseFigures(queues=queues, watches=watches, places=places, board=board)
