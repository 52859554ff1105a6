"""The fault table: whatever one backend does, the page is read and says truthfully by whom, and nothing leaks."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from ironleaf.application.bootstrap import build_backends
from ironleaf.application.bootstrap.engines import make_vacancy_rule
from ironleaf.application.pages import make_page
from ironleaf.application.settings import VlSettings
from ironleaf.document import Attempt, AttemptOutcome, EngineName, Grade, PageStatus, Quality
from ironleaf.faults import CANARIES, FAULTS, FaultyEngine, FaultyModelServer
from ironleaf.foundation.clock import Deadline, SystemClock
from ironleaf.foundation.errors import IronleafError, make_problem
from ironleaf.foundation.resilience import AttemptEnded, BreakerState, PatienceOptions
from ironleaf.services.engines.base import RecogniseRequest
from ironleaf.services.engines.canary import CANARY_WORDS, make_canary_page
from ironleaf.services.engines.ladder import LadderEngine
from ironleaf.services.engines.vision_language.settings import BackendSettings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ironleaf.document import Page
    from ironleaf.foundation.resilience import ResilienceEvent
    from ironleaf.services.engines.guarded import GuardedEngine

pytestmark = pytest.mark.anyio

CLOCK = SystemClock()
EMBEDDED_TEXT = "read by the embedded engine"
GOOD_TEXT = f"{' '.join(CANARY_WORDS)} and a page of good text"


@dataclass
class House:
    backends: tuple[GuardedEngine, ...]
    ladder: LadderEngine
    embedded: FaultyEngine
    told: list[ResilienceEvent]

    async def read(self, *, timeout_s: float = 10.0) -> Page:
        source = replace(make_canary_page(), number=3)
        request = RecogniseRequest(deadline=Deadline.after(timeout_s, CLOCK))
        return make_page(source, await self.ladder.recognise(source, request), Quality(grade=Grade.GOOD))


@asynccontextmanager
async def build(
    *servers: FaultyModelServer, first_token_timeout_s: float = 0.4, **settings: object
) -> AsyncGenerator[House]:
    backends = tuple(
        BackendSettings(
            alias=f"reader-{number}",
            base_url=server.base_url,
            model="qwen2-vl-instruct",
            connect_timeout_s=0.5,
            first_token_timeout_s=first_token_timeout_s,
            between_tokens_timeout_s=0.4,
            total_timeout_s=max(1.5, first_token_timeout_s),
        )
        for number, server in enumerate(servers, 1)
    )
    vl = VlSettings(backends=backends, reserve_s=1.0, **settings)  # type: ignore[arg-type]
    told: list[ResilienceEvent] = []
    guarded = build_backends(vl, CLOCK, random.Random(5), on_event=told.append)
    embedded = FaultyEngine(EMBEDDED_TEXT, name=EngineName.EMBEDDED, alias="embedded")
    ladder = LadderEngine((*guarded, embedded), clock=CLOCK, takes_calls=make_vacancy_rule(guarded))
    house = House(guarded, ladder, embedded, told)
    try:
        yield house
    finally:
        await house.ladder.aclose()


def public_face(page: Page) -> str:
    return repr(page)


@pytest.mark.parametrize("fault", sorted(FAULTS))
async def test_the_page_is_read_whatever_the_backend_does(fault: str) -> None:
    async with FaultyModelServer(fault, text=GOOD_TEXT) as server, build(server) as house:
        page = await house.read()
    assert page.text in {GOOD_TEXT, EMBEDDED_TEXT}
    if page.text == EMBEDDED_TEXT:
        assert (page.engine, page.status, page.degraded) == (EngineName.EMBEDDED, PageStatus.DEGRADED, True)
        assert page.degraded_reason
        assert [attempt.engine for attempt in page.attempts] == ["reader-1", "embedded"]
        assert page.attempts[0].outcome in {AttemptOutcome.FAILED, AttemptOutcome.REJECTED}
        assert page.attempts[0].reason == page.degraded_reason
    else:
        assert (page.engine, page.model, page.status) == (EngineName.VL, "reader-1", PageStatus.SUCCEEDED)
    assert not [canary for canary in CANARIES if canary in public_face(page)]


async def test_the_founding_failure_costs_one_hit_and_the_next_page_none() -> None:
    async with FaultyModelServer("400-model-gone") as server, build(server) as house:
        first, second = await house.read(), await house.read()
        assert server.hits == 1
    assert first.degraded_reason == "model-unavailable"
    assert second.degraded_reason == "circuit-open"
    skipped = Attempt(engine="reader-1", outcome=AttemptOutcome.SKIPPED, reason="circuit-open", duration_ms=0)
    assert replace(second.attempts[0], duration_ms=0) == skipped
    assert house.backends[0].breaker.snapshot().state is BreakerState.OPEN


@pytest.mark.parametrize("fault", ["429-rate", "503", "500-stack"])
async def test_skipped_means_that_the_server_was_not_asked(fault: str) -> None:
    """Also where a first try failed and its breaker, open meanwhile, turned the second one away."""
    seen: list[tuple[AttemptOutcome, bool]] = []
    async with FaultyModelServer("ok", text=GOOD_TEXT) as server, build(server, canary=False) as house:
        for _ in range(30):  # good calls are what second tries are paid from
            await house.read()
        await server.use(fault)
        for _ in range(6):
            hits = server.hits
            attempt = (await house.read()).attempts[0]
            seen.append((attempt.outcome, server.hits > hits))
    assert seen[0] == (AttemptOutcome.FAILED, True)
    assert seen[-1] == (AttemptOutcome.SKIPPED, False)
    assert set(seen) == {seen[0], seen[-1]}


async def test_a_deadline_that_leaves_a_backend_no_time_is_no_failure_of_its() -> None:
    async with FaultyModelServer("ok", text=GOOD_TEXT) as server, build(server) as house:
        page = await house.read(timeout_s=0.9)  # a second is kept back for the embedded engine
        assert server.hits == 0
    assert page.text == EMBEDDED_TEXT
    assert (page.attempts[0].outcome, page.attempts[0].reason) == (AttemptOutcome.SKIPPED, "deadline-exceeded")


async def test_alone_the_backend_answers_the_catalogues_error_and_nothing_else() -> None:
    async with FaultyModelServer("400-model-gone") as server, build(server) as house:
        alone = LadderEngine(house.backends, clock=CLOCK)
        source = make_canary_page()
        with pytest.raises(IronleafError) as caught:
            await alone.recognise(source, RecogniseRequest(deadline=Deadline.after(5, CLOCK)))
    problem = repr(make_problem(caught.value.entry, details=caught.value.details))
    assert caught.value.entry.reason == "model-unavailable"
    assert not [canary for canary in CANARIES if canary in problem]


async def test_refused_connections_open_the_breaker_after_three() -> None:
    async with FaultyModelServer("refused") as server, build(server) as house:
        states = []
        for _ in range(3):
            await house.read()
            states.append(house.backends[0].breaker.snapshot().state)
    assert states[-1] is BreakerState.OPEN


async def test_nobody_waits_seven_seconds_when_another_engine_is_there() -> None:
    async with FaultyModelServer("429-retry-after-7") as server, build(server) as house:
        before = CLOCK.monotonic()
        page = await house.read()
        assert CLOCK.monotonic() - before < 3
    assert page.text == EMBEDDED_TEXT


async def test_a_silent_backend_is_left_within_the_deadline() -> None:
    async with FaultyModelServer("silent-before-headers") as server, build(server) as house:
        before = CLOCK.monotonic()
        page = await house.read(timeout_s=3.0)
        assert CLOCK.monotonic() - before <= 3.5
    assert page.text == EMBEDDED_TEXT


async def test_the_second_backend_reads_what_the_first_cannot() -> None:
    async with (
        FaultyModelServer("503") as sick,
        FaultyModelServer("ok", text=GOOD_TEXT) as well,
        build(sick, well) as house,
    ):
        page = await house.read()
    assert (page.text, page.model, page.degraded) == (GOOD_TEXT, "reader-2", True)
    assert house.embedded.hits == 0


@pytest.mark.parametrize("fault", ["silent-before-headers", "silent-after-headers"])
async def test_a_silent_backend_is_not_asked_twice_for_one_page_while_another_can_read_it(fault: str) -> None:
    async with (
        FaultyModelServer(fault) as sick,
        FaultyModelServer("ok", text=GOOD_TEXT) as well,
        build(sick, well) as house,
    ):
        page = await house.read()
        assert sick.hits == 1
    assert (page.text, page.model, page.degraded_reason) == (GOOD_TEXT, "reader-2", "model-timeout")


async def test_one_bad_page_does_not_open_the_breaker() -> None:
    """A 500 may be the input's fault: the canary page, read well at the same time, tells."""
    async with FaultyModelServer("500-bad-image", "ok", text=GOOD_TEXT) as server, build(server) as house:
        first, second = await house.read(), await house.read()
    assert first.text == EMBEDDED_TEXT
    assert second.text == GOOD_TEXT
    assert house.backends[0].breaker.snapshot().state is BreakerState.CLOSED


async def test_an_album_without_words_does_not_open_the_breaker() -> None:
    """Nothing read may be right: the canary page, read well at the same time, tells."""
    async with FaultyModelServer("200-empty", "ok", text=GOOD_TEXT) as server, build(server) as house:
        first = await house.read()
        await server.use("200-empty")
        pages = [first, *[await house.read() for _ in range(11)]]
        assert server.hits == 12 + 1
    assert {(page.attempts[0].outcome, page.attempts[0].reason) for page in pages} == {
        (AttemptOutcome.REJECTED, "answer-empty")
    }
    assert house.backends[0].breaker.snapshot().state is BreakerState.CLOSED


async def test_a_model_that_reads_nothing_at_all_opens_it() -> None:
    async with FaultyModelServer("200-empty", text=GOOD_TEXT) as server, build(server) as house:
        pages = [await house.read() for _ in range(12)]
    assert pages[-1].degraded_reason == "circuit-open"


@pytest.mark.parametrize("fault", ["503", "reset", "502-html", "500-stack"])
async def test_while_an_equal_is_left_nobody_waits_to_ask_the_sick_one_again(fault: str) -> None:
    """One call, and for a doubtful 500 the canary page; then the equal is asked at once."""
    async with (
        FaultyModelServer(fault) as sick,
        FaultyModelServer("ok", text=GOOD_TEXT) as well,
        build(sick, well) as house,
    ):
        page = await house.read()
        assert sick.hits == (2 if fault == "500-stack" else 1)
    assert (page.text, page.model) == (GOOD_TEXT, "reader-2")


async def test_with_the_equal_out_of_service_the_sick_one_is_asked_again() -> None:
    async with (
        FaultyModelServer("503", "ok", text=GOOD_TEXT) as sick,
        FaultyModelServer("ok", text=GOOD_TEXT) as resting,
        build(sick, resting) as house,
    ):
        house.backends[1].breaker.open()
        assert not house.backends[1].takes_calls
        page = await house.read()
        assert (sick.hits, resting.hits) == (2, 0)
    assert (page.text, page.model, page.degraded) == (GOOD_TEXT, "reader-1", False)


async def test_the_like_of_a_page_refused_as_too_large_goes_to_the_equal_at_once() -> None:
    async with (
        FaultyModelServer("413-rate-tier") as small,
        FaultyModelServer("ok", text=GOOD_TEXT) as large,
        build(small, large) as house,
    ):
        first, second = await house.read(), await house.read()
        assert (small.hits, large.hits) == (1, 2)
        await small.use("ok")
        house.backends[1].breaker.open()
        assert (await house.read()).model == "reader-1", "nobody as good is left: it is asked, and takes the page"
        house.backends[1].breaker.close()
        assert (await house.read()).model == "reader-1", "what it took is not held too large any more"
    assert [(page.text, page.model, page.degraded) for page in (first, second)] == [(GOOD_TEXT, "reader-2", True)] * 2
    outcomes = [page.attempts[0].outcome for page in (first, second)]
    assert outcomes == [AttemptOutcome.FAILED, AttemptOutcome.SKIPPED]
    assert first.degraded_reason == second.degraded_reason == "model-request-refused"
    attempts = [told.name for told in house.told if isinstance(told, AttemptEnded)]
    assert attempts == ["reader-1", "reader-2", "reader-2", "reader-1", "reader-1"], "none where nothing was sent"
    assert house.backends[0].breaker.snapshot().state is BreakerState.CLOSED


async def test_the_last_backend_is_always_asked_however_often_it_said_too_large() -> None:
    async with FaultyModelServer("413-rate-tier") as server, build(server) as house:
        pages = [await house.read() for _ in range(3)]
        assert server.hits == 3
    assert {page.attempts[0].outcome for page in pages} == {AttemptOutcome.FAILED}


async def test_a_backend_that_falls_silent_gives_way_to_its_equal_long_before_its_time_limit() -> None:
    quick = PatienceOptions(known_min=3, floor_s=0.1)
    async with (
        FaultyModelServer("ok", text=GOOD_TEXT) as first,
        FaultyModelServer("ok", text=GOOD_TEXT) as second,
        build(first, second, patience=quick, first_token_timeout_s=8.0) as house,
    ):
        for _ in range(3):
            assert (await house.read()).model == "reader-1"
        await first.use("silent-before-headers")
        began_s = CLOCK.monotonic()
        page = await house.read()
        assert CLOCK.monotonic() - began_s < 4.0
    assert (page.model, page.degraded_reason) == ("reader-2", "engine-timeout")


async def test_guards_stand_in_the_order_that_the_design_says() -> None:
    async with FaultyModelServer("ok") as server, build(server) as house:
        names = [type(policy).__name__ for policy in house.backends[0].pipeline.policies]
    assert names == ["DeadlineShare", "Retry", "CircuitBreaker", "Bulkhead", "AttemptTimeout", "Patience"]
