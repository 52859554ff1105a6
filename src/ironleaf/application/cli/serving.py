"""``ironleaf serve``: one process with one event loop; decoders and engines in worker processes below it."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys

import structlog
import uvicorn

from ironleaf.application.access.exposure import demands_keys, listens_beyond, require_guarded, say_login_base
from ironleaf.application.access.key_store import DatabaseKeys
from ironleaf.application.access.keys import any_active
from ironleaf.application.access.sessions import LINK_S
from ironleaf.application.api.app import create_app
from ironleaf.application.api.sessions import LOGIN_PATH
from ironleaf.application.bootstrap import House, build_house
from ironleaf.application.cli.exits import say
from ironleaf.application.cli.opening import set_up_logs
from ironleaf.application.settings import ServerSettings, Settings
from ironleaf.application.subscriptions import each, log_error
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.database import Database, DatabaseUnavailable
from ironleaf.web.protocol import ProtocolLimits, make_protocol, make_serve_options

EXIT_UNAVAILABLE = 69
"""EX_UNAVAILABLE of sysexits.h: the address is taken, or a worker does not start."""
STALL_SLACK_S = 5.0

_log = structlog.get_logger(__name__)


def serve(settings: Settings) -> int:
    """Serve until stopped; return the exit code.

    Raises:
        SettingsRefused: the address may not be listened on with these settings.
    """
    require_guarded(settings, has_key=_find_key(settings))
    set_up_logs(settings)
    if sys.platform != "linux":
        say("Ironleaf is supported on Linux; elsewhere worker processes have fewer guards.")
    listener = _listen(settings.server)
    if listener is None:
        return EXIT_UNAVAILABLE
    house = build_house(settings)
    # Longer than the upload's own patience, which knows whose fault a stall is.
    limits = ProtocolLimits(body_stall_s=settings.files.limits.upload_stall_s_max + STALL_SLACK_S)
    protocol = make_protocol(limits=limits, observer=each(log_error, house.watching.hear_error), clock=house.clock)
    options = make_serve_options(protocol, shutdown_s=round(settings.server.shutdown_grace_s))
    config = uvicorn.Config(create_app(house), host=settings.server.host, port=settings.server.port, **options)
    _say_who_may_come(house, listener.getsockname()[1])
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        return runner.run(_serve(house, _Server(config, house), listener))


def _find_key(settings: Settings) -> bool | None:
    """Tell whether somebody holds a good key; None: nobody asks, or the database cannot say."""
    if not listens_beyond(settings.server) or not demands_keys(settings):
        return None
    database = Database(settings.database, clock=SystemClock())
    try:
        database.migrate()
        return any_active(DatabaseKeys(database).list(), SystemClock().now())
    except DatabaseUnavailable:
        return None
    finally:
        database.close()


def _say_who_may_come(house: House, port: int) -> None:
    """Tell whoever started the service what it asks callers for, and how to log in; none of it reaches a log."""
    settings = house.settings
    if listens_beyond(settings.server) and not demands_keys(settings):
        say("Callers from other machines need no key (server.allow_public, access.require_key).")
    wanted = settings.access.login_link
    if wanted == "always" or (wanted == "auto" and sys.stderr.isatty()):
        base = say_login_base(settings, port)
        say(f"To log in for operation, once, within {LINK_S / 60:.0f} minutes:")
        say(f"{base}{LOGIN_PATH}?token={house.access.sessions.issue_link()}")


def _listen(server: ServerSettings) -> socket.socket | None:
    """Take the address before anything else is started; say so if somebody has it."""
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    try:
        return socket.create_server((server.host, server.port), family=family, backlog=2048)
    except OSError as error:
        _log.warning("the address cannot be listened on", errno=error.errno)
        say(f"Port {server.port} of this address is taken or not ours to listen on; server.port chooses another.")
        return None


class _Server(uvicorn.Server):
    """Says that it is about to end before it waits for what still runs: an operators' page would hold it up else."""

    def __init__(self, config: uvicorn.Config, house: House) -> None:
        super().__init__(config)
        self._house = house

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._house.health.stop()
        await super().shutdown(sockets)


async def _serve(house: House, server: uvicorn.Server, listener: socket.socket) -> int:
    try:
        await house.start()
    except Exception:  # noqa: BLE001  (this is the sink of start-up)
        _log.exception("the service does not start")
        say("The service does not start; `ironleaf doctor` tells why.")
        return EXIT_UNAVAILABLE
    house.oversee()
    _set_aside_what_stays()
    _outlive_signals()
    try:
        await server.serve(sockets=[listener])
    finally:
        await house.aclose()
        listener.close()
    return 0 if server.started else EXIT_UNAVAILABLE


def _set_aside_what_stays() -> None:
    """Take what start-up made, some hundred thousand objects, out of the garbage collector's rounds.

    Nothing of it ends before the process does, and each full round looked at all of it: the event loop stood
    still for a tenth of a second then, some three times a minute under load.
    """
    gc.collect()
    gc.freeze()


def _outlive_signals() -> None:
    """Let the house be closed after a signal: the server heeds it, and then raises it again for whoever was before.

    A second one ends the process at once, as ever.
    """

    def pass_over(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_over)
