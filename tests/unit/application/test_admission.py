from __future__ import annotations

import asyncio

import pytest

from ironleaf.application.admission import Admission
from ironleaf.faults import ManualClock
from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.errors import LimitReached
from ironleaf.foundation.turns import on_behalf_of

WORK_S = 10.0
"""How long each conversion takes."""
MEGABYTE = 1_000_000


@pytest.mark.anyio
@pytest.mark.parametrize(("within_s", "taken"), [(29.0, True), (28.0, False)])
async def test_who_would_be_done_only_just_in_time_is_refused_at_once(within_s: float, taken: bool) -> None:
    clock = ManualClock()
    admission = Admission(running_max=1, queued_max=5, clock=clock)

    async def work() -> str:
        await clock.sleep(WORK_S)
        return "document"

    def ask(within_s: float) -> asyncio.Task[str]:
        return asyncio.create_task(admission.run(work, Deadline.after(within_s, clock), file_bytes=MEGABYTE))

    first = ask(1000.0)
    await clock.run_for(WORK_S)
    await first
    running = ask(1000.0)
    await clock.settle()
    newcomer = ask(within_s)  # needs 20 s: seven tenths of 28.6
    await clock.settle()
    assert newcomer.done() is not taken
    await clock.run_for(2 * WORK_S)
    assert await running == "document"
    if taken:
        assert await newcomer == "document"
    else:
        with pytest.raises(LimitReached) as caught:
            await newcomer
        assert (caught.value.entry.reason, caught.value.retry_after_s) == ("service-busy", WORK_S)


@pytest.mark.anyio
async def test_a_letter_is_not_refused_for_the_time_that_large_files_take() -> None:
    clock = ManualClock()
    admission = Admission(running_max=2, queued_max=5, clock=clock)

    async def work() -> str:
        await clock.sleep(30.0)
        return "document"

    def ask(file_bytes: int, party: str) -> asyncio.Task[str]:
        with on_behalf_of(party):
            return asyncio.create_task(admission.run(work, Deadline.after(60.0, clock), file_bytes=file_bytes))

    first = [ask(40 * MEGABYTE, "large") for _ in range(2)]
    await clock.run_for(30.0)
    await asyncio.gather(*first)
    under_way = [ask(40 * MEGABYTE, "large") for _ in range(2)]
    await clock.settle()
    large, letter = ask(40 * MEGABYTE, "large"), ask(MEGABYTE // 50, "small")
    await clock.settle()
    assert (large.done(), letter.done()) == (True, False)  # 60 s and 31 s foreseen, of 42 s
    await clock.run_for(60.0)
    assert await asyncio.gather(letter, *under_way) == ["document"] * 3
    assert isinstance(large.exception(), LimitReached)


@pytest.mark.anyio
async def test_a_large_file_is_not_refused_for_the_shortness_of_letters() -> None:
    clock = ManualClock()
    admission = Admission(running_max=1, queued_max=5, clock=clock)

    async def work() -> str:
        await clock.sleep(1.0)
        return "document"

    def ask(file_bytes: int) -> asyncio.Task[str]:
        return asyncio.create_task(admission.run(work, Deadline.after(60.0, clock), file_bytes=file_bytes))

    first = ask(11)
    await clock.run_for(1.0)
    await first
    running, large = ask(11), ask(40 * MEGABYTE)  # the first large one ever: nothing is known of its kind
    await clock.run_for(2.0)
    assert await asyncio.gather(running, large) == ["document"] * 2
