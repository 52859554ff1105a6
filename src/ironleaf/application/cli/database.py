"""``ironleaf db``: the schema's version, by hand. The service brings it up to date by itself when it starts."""

# ruff: noqa: PLC0415  (each command loads SQLAlchemy, `--help` does not)

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Annotated, Final

import typer

from ironleaf.application.cli.exits import EXIT_CODES, say
from ironleaf.application.settings import load_settings
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.database import Database
from ironleaf.foundation.errors import Kind

app = typer.Typer(help="The database's schema, by hand: the service does this when it starts.", no_args_is_help=True)

EXIT_UNKNOWN: Final = EXIT_CODES[Kind.NOT_FOUND]


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
        say("Stop the service, make a backup, and say --yes: what newer tables hold is deleted.")
        raise typer.Exit(EXIT_CODES[Kind.INVALID_INPUT])
    _move(migrating.downgrade, target)


def _move(step: Callable[..., None], target: str) -> None:
    from ironleaf.foundation.database import migrating

    with _opened() as database:
        try:
            database.alter(lambda connection: step(connection, target))
        except migrating.NoSuchVersion:
            say("There is no such version; `ironleaf db current` names the newest.")
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
