"""The leak wall: whatever breaks, at whichever door, no byte that reaches a caller is a secret or not of our lists.

`make test` runs an even slice; ``IRONLEAF_LEAKS=all`` (`make leaks`) every door with every fault.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.faults.leaks.canaries import KEY
from tests.faults.leaks.closed_lists import CATALOGUE, Expected
from tests.faults.leaks.doors import DOORS, FACES, FLOW_DOORS, Face, Request, convert, knock, post
from tests.faults.leaks.faults import EXIT, THROWN
from tests.faults.leaks.seams import READ, build, make_picture
from tests.faults.leaks.wall import Tally, attack, plan, settle, take_slice

from ironleaf.faults import FAULTS, FaultyModelServer
from ironleaf.services.engines.vision_language.settings import BackendSettings
from ironleaf.web.catalogue_pages import render_page

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]

WHOLE = os.environ.get("IRONLEAF_LEAKS") == "all"
SLICE = 600
"""Answers of the flow's doors in `make test`: a few seconds."""
FAULTED_MIN = 5_000
SERVERS_AT_ONCE = 6


@pytest.mark.slow
@pytest.mark.timeout(1_200 if WHOLE else 120)
async def test_nothing_gets_out_whatever_breaks_at_whichever_door(tmp_path: Path, logs: Path) -> None:
    knocks = list(plan())
    if not WHOLE:
        faulted = [each for each in knocks if each.fault is not None]
        knocks = take_slice(faulted, size=SLICE) + [each for each in knocks if each.fault is None][:: len(FACES) + 1]
    tally = Tally()
    with build(tmp_path) as wall:
        await attack(wall, knocks, tally)
    tally.read_logs(logs)
    assert not tally.findings, tally.report()
    assert tally.hits == 0
    assert tally.faulted >= (FAULTED_MIN if WHOLE else SLICE // 2), tally.report()
    print(tally)  # noqa: T201 - the figures of `make leaks`


@pytest.mark.slow
@pytest.mark.timeout(900 if WHOLE else 120)
async def test_nothing_gets_out_whatever_the_model_server_says(tmp_path: Path, logs: Path) -> None:
    pairs = [(engine, face) for engine in ("vl", "auto") for face in FACES]
    jobs = [
        (fault, engine, face)
        for number, fault in enumerate(sorted(FAULTS))
        for engine, face in (pairs if WHOLE else (pairs[number % 4], pairs[4 + (number + 1) % 4]))
    ]
    tally, turns = Tally(), asyncio.Semaphore(SERVERS_AT_ONCE)

    async def meet(number: int, fault: str, engine: str, face: Face) -> None:
        async with turns, FaultyModelServer(fault, text=READ) as server:
            with build(tmp_path / str(number), backends=(_describe(server.base_url),)) as wall:
                form = post(
                    ('name="engine"', engine), ('name="file"; filename="a.png"', make_picture(pages=1, kind="PNG"))
                )
                answer = await knock(wall.app, form, face)
                await wall.house.aclose()
        expected = Expected(
            language=face.language, problem=face.problem, texts=wall.texts, filename="a.png", aliases=wall.aliases
        )
        tally.take(f"{fault} with {engine}", answer, expected, faulted=fault != "ok")

    async with asyncio.TaskGroup() as group:
        for number, job in enumerate(jobs):
            group.create_task(meet(number, *job))
    tally.read_logs(logs)
    assert not tally.findings, tally.report()
    assert tally.statuses[200] > len(FAULTS) // 2
    assert sum(count for status, count in tally.statuses.items() if status >= 500) > len(FAULTS) // 3
    print(tally)  # noqa: T201


def _describe(base_url: str) -> BackendSettings:
    return BackendSettings(
        alias="reader-1",
        base_url=base_url,
        model="canary-vl-instruct-rep0",
        api_key=KEY,
        connect_timeout_s=0.5,
        first_token_timeout_s=0.4,
        between_tokens_timeout_s=0.4,
        total_timeout_s=1.5,
    )


async def test_every_page_of_the_catalogue_is_made_of_the_catalogue_alone(tmp_path: Path) -> None:
    tally = Tally()
    with build(tmp_path) as wall:
        for entry in CATALOGUE:
            for face in FACES[:2]:
                request = Request(path=entry.doc_url, query=f"canary={KEY}", headers={"x-canary": KEY})
                answer = await knock(wall.app, request, face)
                assert answer.body.decode() == render_page(entry, "zh" if face.language == "zh" else "en")
                tally.take(entry.reason, answer, Expected(language=face.language), faulted=False)
    assert not tally.findings, tally.report()


async def test_one_broken_page_costs_no_other(tmp_path: Path) -> None:
    doors = [door for door in FLOW_DOORS if door.spare and door.make().path == "/v1/convert"]
    pairs = [(door, seam) for door in doors for seam in door.seams]
    faults = [fault for fault in (*THROWN, EXIT) if isinstance(fault.make(), Exception | SystemExit)]
    with build(tmp_path) as wall:
        for (door, seam), fault in zip(itertools.cycle(pairs), faults * 3, strict=False):
            wall.seams.arm(seam, fault, spare=door.spare, stepped_down=door.stepped_down)
            answer = await knock(wall.app, door.make(), FACES[0], wall.seams)
            assert wall.seams.struck, (door.name, seam)
            assert answer.status == 200, (fault.name, seam, answer.body)


async def test_a_library_that_wants_to_exit_ends_no_server(tmp_path: Path) -> None:
    with build(tmp_path) as wall:
        for seam in ("check", "open", "vl", "assemble", "answer"):
            wall.seams.arm(seam, EXIT)
            answer = await knock(wall.app, convert(engine="vl"), FACES[0], wall.seams)
            assert (answer.status, answer.escaped) == (500, None), (seam, answer)


async def test_every_seam_is_on_the_way_of_some_door(tmp_path: Path) -> None:
    with build(tmp_path) as wall:
        for door in FLOW_DOORS:
            wall.seams.arm(None, None, stepped_down=door.stepped_down)
            await knock(wall.app, settle(wall, door), FACES[0], wall.seams)
        assert {seam for door in FLOW_DOORS for seam in door.seams} == wall.seams.passed


def test_a_new_door_cannot_be_forgotten(tmp_path: Path) -> None:
    """Every route of the application is knocked at by name."""
    with build(tmp_path) as wall:
        paths = {path for path, item in wall.app.openapi()["paths"].items() for _ in item}
    knocked = {door.make().path for door in DOORS}
    templates = {path for path in paths if "{" in path}
    assert paths - templates <= knocked, paths - templates - knocked
    assert all(any(path.startswith(each.partition("{")[0]) for path in knocked) for each in templates)


def test_the_wall_speaks_to_the_application_as_a_server_does(tmp_path: Path) -> None:
    """The wall's own client is checked against a common one."""

    async def ask() -> tuple[httpx.Response, bytes]:
        with build(tmp_path) as wall:
            transport = httpx.ASGITransport(wall.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://service.example") as client:
                common = await client.get("/nowhere", headers=FACES[1].headers())
            own = await knock(wall.app, Request(path="/nowhere"), FACES[1])
        return common, own.body

    common, own = asyncio.run(ask())
    assert common.status_code == 404
    assert len(common.content) == len(own)
