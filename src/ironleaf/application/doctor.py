"""Tries everything the service stands on, one thing after the other, and says what is wrong and how to mend it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from ironleaf.application.bootstrap import House, build_house
from ironleaf.application.conversions import Asker
from ironleaf.application.doctor_checks import Check, Verdict
from ironleaf.application.doctor_database import examine_database
from ironleaf.application.options import EngineChoice, parse_options
from ironleaf.application.settings import Settings, SettingsRefused
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.errors import IronleafError
from ironleaf.foundation.processes import PoolStatus
from ironleaf.services.engines.canary import CANARY_PATH, is_read
from ironleaf.services.engines.examination import Finding, look_at
from ironleaf.services.engines.healing import ReplaceableModel

COLD_S: Final = 120.0
"""A model that is just being loaded may take so long for its first page."""
EMBEDDED_S: Final = 60
MEBIBYTE: Final = 1024 * 1024
_TELLS_NO_MORE: Final = {Finding.BUSY: "free", Finding.TOO_SLOW: "quick", Finding.FAILS: "sound"}
"""After these nothing is known of key, model and eyes."""


async def examine(settings: Settings, *, clock: Clock) -> AsyncIterator[Check]:
    """Yield each check as it ends; a failed one never keeps the others from being tried, where they can be."""
    yield check_writable("spool", settings.files.spool_directory)
    yield check_room(settings.files.spool_directory, settings.files.spool_free_bytes_min)
    if settings.logs.file:
        yield check_writable("logs", settings.logs.directory)
    yield check_writable("ledger", settings.engines.vl.healing.ledger_directory)
    async for check in examine_database(settings.database, clock=clock):
        yield check
    try:
        house = build_house(settings, clock=clock, keeps_records=False)
    except SettingsRefused as refused:
        names = (line.partition(":")[0] for line in refused.lines)
        yield _judge("house", "built", holds=False, finding="; ".join(names))
        return
    except (IronleafError, OSError, ValueError):
        yield Check(subject="house", step="built", verdict=Verdict.FAILED)
        return
    try:
        async for check in _examine_house(house):
            yield check
    finally:
        await house.aclose()


async def _examine_house(house: House) -> AsyncIterator[Check]:
    started = await _start_pools(house)
    yield Check(subject="workers", step="started", verdict=Verdict.OK if started else Verdict.FAILED)
    if started:
        for pool in house.pools:
            yield check_sandbox(pool.status())
        yield await _check_embedded(house)
    else:
        yield Check(subject="embedded", step="canary", verdict=Verdict.SKIPPED)
    for reader in house.readers:
        async for check in examine_backend(reader, house.clock):
            yield check


async def _check_embedded(house: House) -> Check:
    """Return whether the test page goes the whole way: decoded in a worker, read in another."""
    began_s = house.clock.monotonic()
    options = parse_options({"engine": EngineChoice.EMBEDDED.value, "timeout_s": str(EMBEDDED_S)})
    try:
        document = await house.conversions.convert_path(CANARY_PATH, options, Asker(language="en", request_id="doctor"))
    except IronleafError:
        return _judge("embedded", "canary", holds=False)
    taken_s = house.clock.monotonic() - began_s
    return _judge("embedded", "canary", any(is_read(page.text) for page in document.pages), f"{taken_s:.1f} s/page")


async def _start_pools(house: House) -> bool:
    try:
        for pool in house.pools:
            await pool.start()
    except Exception:  # noqa: BLE001  (whatever keeps a worker from starting, the row says that it does not)
        return False
    return True


async def examine_backend(reader: ReplaceableModel, clock: Clock) -> AsyncIterator[Check]:
    """Yield what there is to know of one model server, from the network inwards."""
    alias = reader.alias
    listed = await _list(reader)
    look = await look_at(reader, clock, timeout_s=COLD_S)
    reached = look.finding is not Finding.UNREACHABLE
    yield _judge(alias, "reachable", reached)
    if not reached:
        return
    if look.finding in _TELLS_NO_MORE:
        yield _judge(alias, _TELLS_NO_MORE[look.finding], holds=False)
        return
    accepted = look.finding is not Finding.KEY_REFUSED
    yield _judge(alias, "key", accepted)
    if not accepted:
        return
    if look.finding is Finding.UNPAID:
        yield _judge(alias, "paid", holds=False)
        return
    served = look.finding is not Finding.MODEL_MISSING
    yield _judge(alias, "served", served, "" if listed is None or reader.model in listed else "not in the listing")
    if not served:
        return
    sees = look.finding is not Finding.BLIND
    yield _judge(alias, "sees", sees)
    if sees:
        yield _judge(alias, "canary", look.reads, "" if look.reads else look.finding.value)
    if look.reads:
        warm = await look_at(reader, clock)  # the first page may have woken the model
        yield _judge(alias, "speed", warm.reads, f"{warm.duration_s:.1f} s/page")


async def _list(reader: ReplaceableModel) -> frozenset[str] | None:
    try:
        return frozenset(card.id for card in await reader.list_models())
    except IronleafError:
        return None  # not every server keeps a list; the test page decides


def check_writable(subject: str, directory: Path) -> Check:
    """Return whether a file can be made in ``directory``, which is made if it is not there."""

    def try_it() -> bool:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"ironleaf")
            file.flush()
            os.fsync(file.fileno())
        return True

    return _judge(subject, "writable", _holds(try_it))


def check_room(directory: Path, bytes_min: int) -> Check:
    """Return whether the disk of ``directory`` has the room that the service wants to keep free."""
    try:
        free = shutil.disk_usage(directory).free
    except OSError:
        return Check(subject="spool", step="room", verdict=Verdict.SKIPPED)
    return _judge("spool", "room", free >= bytes_min, f"{free // MEBIBYTE} MiB")


def check_sandbox(status: PoolStatus) -> Check:
    """Return which locks hold a pool's workers; missing ones are a warning, as the settings let them be."""
    report = status.sandbox
    locks = {"seccomp": report.seccomp, "landlock": report.landlock, "rlimits": report.rlimits} if report else {}
    finding = ", ".join(f"{name} {'on' if active else 'off'}" for name, active in locks.items())
    whole = bool(locks) and all(locks.values())
    return Check(
        subject=f"{status.name} workers",
        step="sandbox",
        verdict=Verdict.OK if whole else Verdict.WARNING,
        finding=finding,
    )


def _holds(try_it: Callable[[], bool]) -> bool:
    try:
        return try_it()
    except OSError:
        return False


def _judge(subject: str, step: str, holds: bool, finding: str = "") -> Check:
    return Check(subject=subject, step=step, verdict=Verdict.OK if holds else Verdict.FAILED, finding=finding)
