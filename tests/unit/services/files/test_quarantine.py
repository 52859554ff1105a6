"""A file that killed two workers is refused; hurry, hands and other files are no reason."""

from __future__ import annotations

import asyncio
import errno
import signal
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.fixtures.databases import DIALECTS, make_migrated

from ironleaf.faults import ManualClock
from ironleaf.foundation.errors import IronleafError, StorageFailure
from ironleaf.foundation.processes import LossReason, PoolBusy, WorkerLost
from ironleaf.foundation.processes.loss import BusyReason
from ironleaf.services.files.losses import Loss, find_held
from ironleaf.services.files.quarantine import (
    QUARANTINE_FILE,
    BlamingRunner,
    FileQuarantine,
    InMemoryQuarantine,
    suspected,
)
from ironleaf.services.files.quarantine_store import DatabaseQuarantine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ironleaf.services.files.quarantine import Quarantine

SHA = "a" * 64
OTHER = "b" * 64


class Traded(DatabaseQuarantine):
    """Works through the database at once: what it says then is what the database said."""

    def record(self, sha256: str, reason: LossReason) -> None:
        super().record(sha256, reason)
        assert asyncio.run(self.exchange.trade_now())

    def release(self, sha256: str) -> bool:
        found = super().release(sha256)
        assert asyncio.run(self.exchange.trade_now())
        return found


@pytest.fixture(params=["memory", "file", *DIALECTS])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Quarantine]:
    def build(clock: ManualClock, **options: Any) -> Quarantine:
        if request.param == "memory":
            return InMemoryQuarantine(clock, **options)
        if request.param == "file":
            return FileQuarantine(tmp_path / "state", clock, **options)
        return Traded(make_migrated(request.param, request), clock, **options)

    return build


def refused(quarantine: Quarantine, sha256: str = SHA) -> bool:
    try:
        quarantine.require_free(sha256)
    except IronleafError as error:
        return error.entry.reason == "file-quarantined"
    return False


def test_the_second_loss_closes_the_door_and_for_that_file_only(make: Callable[..., Quarantine]) -> None:
    quarantine = make(ManualClock())
    quarantine.record(SHA, LossReason.CRASH)
    assert not refused(quarantine)
    quarantine.record(SHA, LossReason.TIMEOUT)
    assert refused(quarantine)
    assert not refused(quarantine, OTHER)


def test_a_loss_is_forgotten_after_its_time(make: Callable[..., Quarantine]) -> None:
    clock = ManualClock()
    quarantine = make(clock, expiry_s=10.0)
    quarantine.record(SHA, LossReason.CRASH)
    clock.advance(6.0)
    quarantine.record(SHA, LossReason.CRASH)
    assert refused(quarantine)
    clock.advance(6.0)
    assert not refused(quarantine)


def test_a_release_lets_the_file_in_again(make: Callable[..., Quarantine]) -> None:
    quarantine = make(ManualClock())
    for sha256 in (SHA, SHA, OTHER, OTHER):
        quarantine.record(sha256, LossReason.MEMORY)
    assert quarantine.release(SHA)
    assert not quarantine.release(SHA)
    assert (refused(quarantine), refused(quarantine, OTHER)) == (False, True)


def test_what_is_held_is_told_with_its_times(make: Callable[..., Quarantine]) -> None:
    clock = ManualClock()
    quarantine = make(clock, expiry_s=100.0)
    began = clock.now()
    for sha256, reason in ((SHA, LossReason.MEMORY), (OTHER, LossReason.CRASH), (SHA, LossReason.TIMEOUT)):
        quarantine.record(sha256, reason)
        clock.advance(10.0)
    (held,) = quarantine.list_held()  # one loss of another file holds nobody
    assert (held.sha256, held.reason, held.losses) == (SHA, LossReason.TIMEOUT, 2)
    assert (held.since - began, held.until - began) == (timedelta(seconds=20), timedelta(seconds=100))
    quarantine.record(OTHER, LossReason.CPU)
    assert [file.sha256 for file in quarantine.list_held()] == [OTHER, SHA]
    quarantine.release(SHA)
    assert [file.sha256 for file in quarantine.list_held()] == [OTHER]


def test_what_is_held_is_what_is_refused_until_it_says(make: Callable[..., Quarantine]) -> None:
    clock = ManualClock()
    quarantine = make(clock, expiry_s=100.0)
    for _ in range(3):
        quarantine.record(SHA, LossReason.CRASH)
        clock.advance(10.0)
    (held,) = quarantine.list_held()
    clock.advance((held.until - clock.now()).total_seconds() - 1.0)
    assert refused(quarantine)
    clock.advance(2.0)
    assert not refused(quarantine)
    assert quarantine.list_held() == ()


def test_a_reason_that_nobody_knows_is_shown_as_a_crash() -> None:
    now = ManualClock().now()
    losses = [Loss(sha256=SHA, reason="\x1b[31mword", at=now)] * 2
    (held,) = find_held(losses, now=now, losses_to_refuse=2, expiry=timedelta(days=7))
    assert held.reason is LossReason.CRASH


def test_the_oldest_losses_make_room(make: Callable[..., Quarantine]) -> None:
    quarantine = make(ManualClock(), entries_max=4)
    for sha256 in (SHA, SHA, *[OTHER] * 30):
        quarantine.record(sha256, LossReason.CRASH)
    assert (refused(quarantine), refused(quarantine, OTHER)) == (False, True)


def test_the_file_is_bounded_and_outlives_its_process(tmp_path: Path) -> None:
    clock = ManualClock()
    quarantine = FileQuarantine(tmp_path, clock, entries_max=4)
    for _ in range(50):
        quarantine.record(SHA, LossReason.CRASH)
    assert len((tmp_path / QUARANTINE_FILE).read_bytes().splitlines()) <= 8
    assert refused(FileQuarantine(tmp_path, clock))


def test_deleting_the_lines_by_hand_releases_in_a_running_service(tmp_path: Path) -> None:
    quarantine = FileQuarantine(tmp_path, ManualClock())
    quarantine.record(SHA, LossReason.CRASH)
    quarantine.record(SHA, LossReason.CRASH)
    assert refused(quarantine)
    (tmp_path / QUARANTINE_FILE).unlink()
    assert not refused(quarantine)


def test_what_another_process_saw_counts(tmp_path: Path) -> None:
    clock = ManualClock()
    ours, theirs = FileQuarantine(tmp_path, clock), FileQuarantine(tmp_path, clock)
    ours.record(SHA, LossReason.CRASH)
    theirs.record(SHA, LossReason.CRASH)
    assert refused(ours)


def test_damaged_lines_are_passed_over(tmp_path: Path) -> None:
    clock = ManualClock()
    first = FileQuarantine(tmp_path, clock)
    first.record(SHA, LossReason.CRASH)
    first.record(SHA, LossReason.CRASH)
    path = tmp_path / QUARANTINE_FILE
    junk = b'{"sha256": 7}\nnull\n\xff\n{"sha256":"' + b"a" * 2_000 + b'"}\n{"at":"2026-01-01T00:00:00","sha256":"x"}\n'
    path.write_bytes(junk + path.read_bytes())
    assert refused(FileQuarantine(tmp_path, clock))


def test_without_a_disk_it_goes_on_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "taken").write_text("a file where the directory should be")
    quarantine = FileQuarantine(tmp_path / "taken", ManualClock())
    quarantine.record(SHA, LossReason.CRASH)
    quarantine.record(SHA, LossReason.CRASH)
    assert refused(quarantine)
    assert "cannot be written" in caplog.text


def test_a_release_that_cannot_be_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quarantine = FileQuarantine(tmp_path, ManualClock())
    quarantine.record(SHA, LossReason.CRASH)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr("pathlib.Path.write_bytes", fail)
    with pytest.raises(StorageFailure) as raised:
        quarantine.release(SHA)
    assert raised.value.entry.reason == "spool-full"


class DyingRunner:
    def __init__(self, *failures: BaseException) -> None:
        self._failures = list(failures)

    async def call(self, job: Any, *, timeout_s: float, queue_timeout_s: float | None = None) -> Any:
        raise self._failures.pop(0)


async def run_twice(failure: BaseException, *, timeout_s: float = 30.0) -> bool:
    """Let two workers end so under one file; tell whether it is refused afterwards."""
    quarantine = InMemoryQuarantine(ManualClock())
    runner = BlamingRunner(DyingRunner(failure, failure), quarantine, job_s_max=30.0)
    with suspected(SHA):
        for _ in range(2):
            with pytest.raises(type(failure)):
                await asyncio.gather(runner.call("job", timeout_s=timeout_s))
    return refused(quarantine)


@pytest.mark.anyio
@pytest.mark.parametrize("reason", [LossReason.TIMEOUT, LossReason.MEMORY, LossReason.CPU, LossReason.CRASH])
async def test_a_worker_that_died_of_a_file_is_blamed_on_it(reason: LossReason) -> None:
    assert await run_twice(WorkerLost(reason, exit_code=-signal.SIGSEGV))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("failure", "timeout_s"),
    [
        (WorkerLost(LossReason.TIMEOUT), 4.9),  # the caller's deadline came first
        (WorkerLost(LossReason.START), 30.0),
        (WorkerLost(LossReason.CRASH, exit_code=-signal.SIGKILL), 30.0),
        (WorkerLost(LossReason.CRASH, exit_code=-signal.SIGTERM), 30.0),
        (PoolBusy(BusyReason.QUEUE_FULL), 30.0),
        (asyncio.CancelledError(), 30.0),
    ],
)
async def test_hurry_and_hands_are_not_blamed_on_the_file(failure: BaseException, timeout_s: float) -> None:
    assert not await run_twice(failure, timeout_s=timeout_s)


@pytest.mark.anyio
async def test_losses_of_decoders_and_recognisers_add_up_and_other_tasks_are_left_alone() -> None:
    quarantine = InMemoryQuarantine(ManualClock())
    crash = WorkerLost(LossReason.CRASH, exit_code=-signal.SIGSEGV)
    decoders = BlamingRunner(DyingRunner(crash), quarantine, job_s_max=30.0)
    recognisers = BlamingRunner(DyingRunner(crash, crash, crash), quarantine, job_s_max=60.0)

    async def read(runner: BlamingRunner, sha256: str) -> None:
        with suspected(sha256), pytest.raises(WorkerLost):
            await runner.call("job", timeout_s=60.0)

    await asyncio.gather(read(decoders, SHA), read(recognisers, SHA), read(recognisers, OTHER))
    with pytest.raises(WorkerLost):
        await recognisers.call("job", timeout_s=60.0)  # of no file at all
    assert (refused(quarantine), refused(quarantine, OTHER)) == (True, False)
