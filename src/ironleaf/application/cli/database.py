"""``ironleaf db``: the schema's version, by hand. The service brings it up to date by itself when it starts."""

# ruff: noqa: PLC0415  (each command loads SQLAlchemy, `--help` does not)

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Annotated, Final

import typer

from ironleaf.application.cli.exits import EXIT_CODES, find_language, say
from ironleaf.application.settings import load_settings
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.database import Database
from ironleaf.foundation.errors import Kind, Text

app = typer.Typer(help="The database's schema, by hand: the service does this when it starts.", no_args_is_help=True)

EXIT_UNKNOWN: Final = EXIT_CODES[Kind.NOT_FOUND]
_SURE: Final = Text(
    en="Stop the service, make a backup, and say --yes: what newer tables hold is deleted.",
    zh="请先停止服务并备份，然后加上 --yes：较新的数据表中的内容会被删除。",
)
_NO_VERSION: Final = Text(
    en="There is no such version; `ironleaf db current` names the newest.",
    zh="没有这个版本；`ironleaf db current` 会显示最新版本。",
)


@app.command()
def current() -> None:
    """Say which version the schema has, and which one this program knows as the newest."""
    from ironleaf.foundation.database import migrating

    with _opened() as database:
        version = database.transact(migrating.read_version, read_only=True) if database.begun else None
    sys.stdout.write(f"{version or 'empty'} (newest: {migrating.find_head()})\n")


@app.command()
def upgrade(target: Annotated[str, typer.Argument(help="A version; the newest without it.")] = "head") -> None:
    """Bring the schema forward. Safe beside running replicas: one at a time does it."""
    from ironleaf.foundation.database import migrating

    _move(migrating.upgrade, target)


@app.command()
def downgrade(
    target: Annotated[str, typer.Argument(help="The version to go back to; `base` is an empty database.")],
    yes: Annotated[bool, typer.Option("--yes", help="Yes, what newer tables hold may be deleted.")] = False,
) -> None:
    """Take the schema back, before an older program is installed. What newer tables hold is deleted."""
    from ironleaf.foundation.database import migrating

    if not yes:
        say(_SURE.in_language(find_language()))
        raise typer.Exit(EXIT_CODES[Kind.INVALID_INPUT])
    _move(migrating.downgrade, target)


def _move(step: Callable[..., None], target: str) -> None:
    from ironleaf.foundation.database import migrating

    with _opened() as database:
        try:
            database.alter(lambda connection: step(connection, target))
        except migrating.NoSuchVersion:
            say(_NO_VERSION.in_language(find_language()))
            raise typer.Exit(EXIT_UNKNOWN) from None
        version = database.transact(migrating.read_version, read_only=True)
    sys.stdout.write(f"{version or 'empty'}\n")


@contextmanager
def _opened() -> Generator[Database]:
    database = Database(load_settings().database, clock=SystemClock())
    try:
        yield database
    finally:
        database.close()
