from __future__ import annotations

import asyncio

import pytest

from ironleaf.application.admission import Admission
from ironleaf.faults import ManualClock
from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.errors import LimitReached

WORK_S = 10.0
"""How long each conversion takes."""


@pytest.mark.anyio
@pytest.mark.parametrize(("within_s", "taken"), [(29.0, True), (28.0, False)])
async def test_who_would_be_done_only_just_in_time_is_refused_at_once(within_s: float, taken: bool) -> None:
    clock = ManualClock()
    admission = Admission(running_max=1, queued_max=5, clock=clock)

    async def work() -> str:
        await clock.sleep(WORK_S)
        return "document"

    def ask(within_s: float) -> asyncio.Task[str]:
        return asyncio.create_task(admission.run(work, Deadline.after(within_s, clock)))

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
