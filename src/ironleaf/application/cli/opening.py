"""A house for the length of one command."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

from ironleaf.application.bootstrap import House, build_house
from ironleaf.application.settings import Settings, SettingsRefused, list_secrets
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.database import Database
from ironleaf.foundation.observability import Redactor, configure_logs


def set_up_logs(settings: Settings, *, console: bool = True) -> None:
    """Send this process's log records where the settings say, without any of the settings' secrets.

    Raises:
        SettingsRefused: the log directory cannot be made or written.
    """
    logs = settings.logs if console else replace(settings.logs, console=False)
    try:
        configure_logs(logs, Redactor(secrets=list_secrets(settings), hide_addresses=logs.hide_addresses))
    except OSError as error:
        where = "logs.directory (IRONLEAF_LOGS__DIRECTORY)"
        raise SettingsRefused((f"{where}: the directory cannot be made or written",)) from error


@contextmanager
def open_database(settings: Settings) -> Generator[Database]:
    """Yield the settings' database as it is, for a command whose logs keep off the terminal; close it after."""
    set_up_logs(settings, console=False)
    database = Database(settings.database, clock=SystemClock())
    try:
        yield database
    finally:
        database.close()


@asynccontextmanager
async def open_house(settings: Settings, *, reads: bool = True) -> AsyncGenerator[House]:
    """Yield a running house whose logs keep off the terminal, where the user is told in sentences; close it after.

    ``reads``: pages will be recognised; otherwise nobody is started for it. Being asked
    to end (SIGTERM) cancels the command, so that its spools go with it.
    """
    set_up_logs(settings, console=False)
    house = build_house(settings, keeps_records=False)
    with _ended_when_asked():
        await house.start(look_at_once=False, reads=reads)  # most commands are over within the minute
        try:
            yield house
        finally:
            await house.aclose()


@contextmanager
def _ended_when_asked() -> Generator[None]:
    command = asyncio.current_task()
    assert command is not None  # noqa: S101
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGTERM, command.cancel)
    except (NotImplementedError, RuntimeError):  # not in the main thread, or not on this platform
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
