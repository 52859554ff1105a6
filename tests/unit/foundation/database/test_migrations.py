"""The schema's history: one line, forwards and backwards, the same as the tables in the code, alone at work."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from ironleaf.faults import ManualClock
from ironleaf.foundation.database import Database, DatabaseSettings, DatabaseUnavailable, Trouble, metadata, migrating

SOURCE = Path(__file__).parents[4] / "src"
STORES = sorted(
    ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    for path in (SOURCE / "ironleaf").rglob("*.py")
    if re.search(
        r"foundation\.database import .*\bmetadata\b|^metadata", path.read_text(encoding="utf-8"), re.MULTILINE
    )
)


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(migrating.MIGRATIONS))
    return ScriptDirectory.from_config(config)


def open_empty(settings: DatabaseSettings) -> Database:
    return Database(settings, clock=ManualClock())


def tables(connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def test_the_history_is_one_line() -> None:
    assert len(scripts().get_heads()) == 1
    assert len(scripts().get_bases()) == 1


def test_each_step_is_named_by_its_day_and_topic_and_imports_nothing_of_ours() -> None:
    for path in (migrating.MIGRATIONS / "versions").glob("[0-9]*.py"):
        assert re.fullmatch(r"20\d{6}_[a-z0-9_]+", path.stem), path.name
        source = path.read_text(encoding="utf-8")
        assert f'revision = "{path.stem}"' in source
        assert "ironleaf" not in source


def test_the_migrated_schema_is_what_the_code_says(database: Database) -> None:
    for module in STORES:
        __import__(module)
    differences = database.alter(
        lambda connection: compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True}),
            metadata,
        )
    )
    assert differences == []


def test_every_step_goes_back_and_forth(database_settings: DatabaseSettings) -> None:
    database = open_empty(database_settings)
    steps = [step.revision for step in reversed(list(scripts().walk_revisions()))]
    database.migrate()
    whole = database.transact(tables)
    for target in [*reversed(steps[:-1]), migrating.BASE]:
        database.alter(lambda connection, target=target: migrating.downgrade(connection, target))
    assert database.transact(tables) == {"alembic_version"}
    for step in steps:
        database.alter(lambda connection, step=step: migrating.upgrade(connection, step))
        assert database.transact(migrating.read_version) == step
    assert database.transact(tables) == whole
    database.close()


def test_migrating_again_changes_nothing(database: Database) -> None:
    database.migrate()
    assert database.ready
    assert database.transact(migrating.read_version) == migrating.find_head()


def test_a_target_that_does_not_exist_is_said_so(database: Database) -> None:
    with pytest.raises(migrating.NoSuchVersion):
        database.alter(lambda connection: migrating.upgrade(connection, "20990101_nothing"))


def test_a_newer_programs_schema_is_left_alone(database: Database) -> None:
    newer = text("update alembic_version set version_num = '20990101_newer'")
    database.transact(lambda connection: connection.execute(newer))
    with pytest.raises(DatabaseUnavailable) as caught:
        database.migrate()
    assert caught.value.trouble is Trouble.NEWER
    assert database.transact(migrating.read_version) == "20990101_newer"


def test_a_step_that_fails_leaves_the_schema_as_it_was(database_settings: DatabaseSettings) -> None:
    database = open_empty(database_settings)

    def work(connection) -> None:
        migrating.upgrade(connection)
        connection.execute(text("create table half (name varchar(10))"))
        raise LookupError

    with pytest.raises(LookupError):
        database.alter(work)
    assert database.transact(tables) == set()
    database.close()


def test_replicas_that_start_at_once_do_not_disturb_one_another(database_settings: DatabaseSettings) -> None:
    replicas = [open_empty(database_settings) for _ in range(4)]
    with ThreadPoolExecutor(len(replicas)) as threads:
        list(threads.map(Database.migrate, replicas))
    assert all(replica.ready for replica in replicas)
    assert replicas[0].transact(migrating.read_version) == migrating.find_head()
    for replica in replicas:
        replica.close()


@pytest.mark.slow
def test_processes_that_start_at_once_do_not_disturb_one_another(database_settings: DatabaseSettings) -> None:
    """The lock is the database's own: one in the process would not show here."""
    program = (
        "import sys; from ironleaf.foundation.clock import SystemClock;"
        "from ironleaf.foundation.database import Database, DatabaseSettings;"
        "sys.stdin.read(1); Database(DatabaseSettings(url=sys.argv[1]), clock=SystemClock()).migrate()"
    )
    command = [sys.executable, "-c", program, database_settings.url]
    replicas = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]
    for replica in replicas:
        assert replica.stdin is not None
        replica.stdin.write(b"!")
        replica.stdin.flush()
    for replica in replicas:
        _, said = replica.communicate(timeout=60)
        assert replica.returncode == 0, said.decode()[-2000:]
    database = open_empty(database_settings)
    assert database.transact(migrating.read_version) == migrating.find_head()
    database.close()
