"""The database is away, full, damaged or not ours: files are read all the same, health says so, nothing is told."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from sqlalchemy import func, select, text
from tests.fixtures.databases import make_server
from tests.fixtures.served_house import serve
from tests.fixtures.service import EXAMPLES

from ironleaf.application.cli import commands
from ironleaf.application.doctor_checks import Verdict
from ironleaf.application.doctor_database import examine_database
from ironleaf.application.probes import DatabaseProbe
from ironleaf.faults import FaultyModelServer, ManualClock
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.database import Database, DatabaseSettings, DatabaseUnavailable, Trouble, migrating
from ironleaf.foundation.health import HealthStatus
from ironleaf.services.engines.canary import CANARY_WORDS
from ironleaf.services.engines.ledger_store import ENTRIES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ironleaf.application.bootstrap import House

pytestmark = pytest.mark.anyio
PASSWORD = "pw-canary-5f1d"


def refuse_sqlite(directory: Path, how: str) -> str:
    """Return the URL of a file that cannot be used."""
    path = directory / "ironleaf.db"
    if how == "no directory":
        (directory / "file").touch()
        path = directory / "file" / "ironleaf.db"
    elif how == "a directory":
        path.mkdir()
    elif how == "no database":
        path.write_bytes(b"not a database at all" * 500)
    elif how == "damaged":
        database = Database(DatabaseSettings(url=f"sqlite:///{path}"), clock=ManualClock())
        database.migrate()
        database.close()
        path.write_bytes(path.read_bytes()[:100] + b"\xa5" * 60_000)
    return f"sqlite:///{path}"


TROUBLES = {
    "no directory": {Trouble.UNREACHABLE},
    "a directory": {Trouble.UNREACHABLE},
    "no database": {Trouble.CORRUPT},
    "damaged": {Trouble.CORRUPT},
}


@pytest.mark.parametrize("how", TROUBLES)
async def test_what_is_wrong_with_a_file_is_told_by_a_word_of_ours(how: str, tmp_path: Path) -> None:
    settings = DatabaseSettings(url=refuse_sqlite(tmp_path, how))
    database = Database(settings, clock=ManualClock())
    with pytest.raises(DatabaseUnavailable) as caught:
        database.migrate()
    assert caught.value.trouble in TROUBLES[how]
    assert caught.value.__cause__ is None is caught.value.__context__
    result = await DatabaseProbe(database).check()
    assert (result.status, result.detail) == (HealthStatus.DEGRADED, f"sqlite: {caught.value.trouble.value}")
    await database.aclose()
    checks = [check async for check in examine_database(settings, clock=SystemClock())]
    assert [(check.step, check.verdict) for check in checks] == [("reachable", Verdict.FAILED)]


async def test_the_doctor_finds_a_database_well_and_one_that_is_yet_to_be_filled(
    database_settings: DatabaseSettings,
) -> None:
    async def see() -> dict[str, Verdict]:
        return {check.step: check.verdict async for check in examine_database(database_settings, clock=SystemClock())}

    room = {"room": Verdict.OK} if database_settings.url.startswith("sqlite") else {}
    begun = Database(database_settings, clock=ManualClock())
    begun.transact(lambda _: None)
    await begun.aclose()
    assert await see() == {
        "reachable": Verdict.OK,
        "schema": Verdict.WARNING,
        "writable": Verdict.OK,
        **room,
    }
    database = Database(database_settings, clock=ManualClock())
    database.migrate()
    await database.aclose()
    assert await see() == {"reachable": Verdict.OK, "schema": Verdict.OK, "writable": Verdict.OK, **room}


async def test_the_doctor_makes_no_database(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "deep" / "ironleaf.db"
    settings = DatabaseSettings(url=f"sqlite:///{path}")
    checks = {check.step: check.verdict async for check in examine_database(settings, clock=SystemClock())}
    assert checks == {"reachable": Verdict.SKIPPED, "writable": Verdict.OK, "room": Verdict.OK}
    assert not path.parent.parent.exists()


async def test_a_file_that_is_taken_away_is_missed_at_once_and_used_once_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    database = Database(DatabaseSettings(url=f"sqlite:///{path}"), clock=ManualClock())
    database.migrate()
    probe = DatabaseProbe(database)
    assert (await probe.check()).status is HealthStatus.HEALTHY
    path.rename(tmp_path / "elsewhere.db")
    with pytest.raises(DatabaseUnavailable) as caught:
        await database.run(lambda connection: connection.execute(select(ENTRIES)).all())
    assert caught.value.trouble is Trouble.UNREACHABLE
    assert (await probe.check()).detail == "sqlite: unreachable"
    assert not path.exists()
    (tmp_path / "elsewhere.db").replace(path)
    assert await database.run(lambda connection: connection.execute(select(ENTRIES)).all()) == []
    assert (await probe.check()).status is HealthStatus.HEALTHY
    await database.aclose()


async def test_a_schema_that_is_changed_under_a_running_service_is_told_until_it_fits_again(database: Database) -> None:
    probe = DatabaseProbe(database)
    assert (await probe.check()).status is HealthStatus.HEALTHY
    database.alter(lambda connection: migrating.downgrade(connection, migrating.BASE))
    with pytest.raises(DatabaseUnavailable):
        await database.run(lambda connection: connection.execute(select(ENTRIES)).all())
    for _ in range(2):
        result = await probe.check()
        assert (result.status, result.detail) == (HealthStatus.DEGRADED, f"{database.dialect}: schema")
    database.alter(migrating.upgrade)
    assert (await probe.check()).status is HealthStatus.HEALTHY


async def test_a_newer_programs_schema_stays_told(database: Database) -> None:
    newer = text("update alembic_version set version_num = '20990101_newer'")
    database.transact(lambda connection: connection.execute(newer))
    with pytest.raises(DatabaseUnavailable):
        database.migrate()
    for _ in range(2):
        assert (await DatabaseProbe(database).check()).detail == f"{database.dialect}: newer"


async def test_a_full_disk_is_told_and_over_once_a_row_is_taken(tmp_path: Path) -> None:
    database = Database(DatabaseSettings(url=f"sqlite:///{tmp_path}/a.db", threads=1), clock=ManualClock())
    database.migrate()
    probe = DatabaseProbe(database)

    def limit(connection, pages: int) -> None:
        connection.exec_driver_sql(f"pragma max_page_count = {pages}")

    def write(connection) -> None:
        limit(connection, 1)  # as small as it is: no page more
        connection.exec_driver_sql("create table fill (name varchar(100))")

    with pytest.raises(DatabaseUnavailable) as caught:
        database.transact(write)
    assert caught.value.trouble is Trouble.FULL
    assert database.trouble is Trouble.FULL
    assert (await probe.check()).status is HealthStatus.HEALTHY, "a row of the old size still fits: the probe tried"
    assert database.trouble is None
    await database.aclose()


async def test_a_server_that_does_not_answer_is_asked_by_one_thread_only(tmp_path: Path) -> None:
    settings = DatabaseSettings(url=f"sqlite:///{tmp_path}/a.db", lock_s=4.0)
    holder, asked = Database(settings, clock=ManualClock()), Database(settings, clock=ManualClock())
    holder.migrate()
    asked.migrate()
    with pytest.raises(DatabaseUnavailable):
        asked.transact(lambda connection: connection.exec_driver_sql("select * from absent"))
    probe = DatabaseProbe(asked)
    loop = asyncio.get_running_loop()
    held, release = asyncio.Event(), asyncio.Event()

    def hold(_connection: object) -> None:
        loop.call_soon_threadsafe(held.set)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result(20)

    holding = asyncio.create_task(holder.run(hold))
    await held.wait()
    for _ in range(2):
        result = await probe.check()
        assert (result.status, result.detail) == (HealthStatus.DEGRADED, "sqlite: no answer yet")
        assert asked._threads is not None
        assert asked._threads.calls == 1
    release.set()
    await holding
    await asked.aclose()
    await holder.aclose()


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://root:{PASSWORD}@127.0.0.1:9/records",
        f"postgresql://root:{PASSWORD}@no-such-host.invalid/records",
        f"postgresql://root:{PASSWORD}@/records?host=/nowhere",
    ],
    ids=["refused", "unknown", "no-socket"],
)
@pytest.mark.parametrize("command", ["current", "upgrade"])
def test_the_command_says_what_the_catalogue_says(
    command: str, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IRONLEAF_DATABASE__URL", url)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    monkeypatch.setattr(sys, "argv", ["ironleaf", "db", command])
    with pytest.raises(SystemExit) as left:
        commands.run()
    told = capsys.readouterr()
    assert left.value.code == 12
    assert told.out == ""
    assert told.err == "ironleaf: The service cannot reach its records at the moment. [database-unavailable]\n"


def test_no_private_text_holds_the_password() -> None:
    url = f"postgresql://root:{PASSWORD}@127.0.0.1:9/records"
    database = Database(DatabaseSettings(url=url), clock=ManualClock())
    with pytest.raises(DatabaseUnavailable) as caught:
        database.migrate()
    frames, values = caught.value.__traceback__, []
    while frames is not None:
        values.append(repr({name: value for name, value in frames.tb_frame.f_locals.items() if name != "url"}))
        frames = frames.tb_next
    private = (repr(caught.value), repr(caught.value.context), repr(database.__dict__))
    assert not [text for text in private if PASSWORD in text]
    assert caught.value.trouble is Trouble.UNREACHABLE


async def convert(port: int) -> dict[str, object]:
    picture = (EXAMPLES / "chinese.png").read_bytes()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        answer = await client.post("/v1/convert", files={"file": ("a.png", picture)}, timeout=60)
        ready = await client.get("/readyz")
        health = await client.get("/health")
    assert answer.status_code == 200, answer.text
    assert ready.status_code == 200
    return health.json()["components"]


async def until(holds: Callable[[], Awaitable[bool]], house: House) -> None:
    for _ in range(300):
        if await holds():
            return
        await house.clock.sleep(0.1)
    pytest.fail("it never happened")


TEXT = " ".join(CANARY_WORDS)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["no directory", "no database"])
async def test_a_service_whose_file_cannot_be_used_converts(how: str, tmp_path: Path) -> None:
    url = refuse_sqlite(tmp_path, how)
    async with (
        FaultyModelServer("ok", text=TEXT) as upstream,
        serve(tmp_path, upstream, **{"database.url": url}) as (
            port,
            house,
        ),
    ):
        assert (await convert(port))["database"] == "degraded"
        assert not house.database.ready


@pytest.mark.slow
async def test_a_service_starts_and_converts_without_its_server_and_catches_up(tmp_path: Path) -> None:
    server = make_server()
    settings = {"database.url": server.url(), "database.connect_s": 1.0}
    async with (
        FaultyModelServer("ok", text=TEXT) as upstream,
        serve(tmp_path, upstream, **settings) as (port, house),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):

        async def say(status: str) -> bool:
            return (await client.get("/health")).json()["components"]["database"] == status

        async def written(actions: int) -> bool:
            count = select(func.count()).select_from(ENTRIES)
            return actions == await house.database.run(lambda connection: connection.execute(count).scalar_one())

        try:
            assert (await convert(port))["database"] == "degraded"
            house.desk.open("reader")
            server.start()
            await until(lambda: say("healthy"), house)
            await until(lambda: written(1), house)
            server.stop()
            house.desk.close("reader")
            await until(lambda: say("degraded"), house)  # good news is remembered for two seconds
            assert (await convert(port))["database"] == "degraded"
            server.start()
            await until(lambda: written(2), house)
            await until(lambda: say("healthy"), house)
        finally:
            server.remove()
    assert [exchange.dropped for exchange in house.exchanges] == [0, 0]
