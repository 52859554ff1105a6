"""Chats, mail and telephones through Apprise: a library that blocks, on threads that may hang without hurting anyone.

Apprise logs addresses at times, and its addresses hold keys: its logger is cut off, and those of the
libraries below it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import warnings
from typing import TYPE_CHECKING, Any, Final, cast

from ironleaf.foundation.alerting.channels.base import ChannelUnusable
from ironleaf.foundation.alerting.deliveries import SEND_S, Finding
from ironleaf.foundation.alerting.incidents import NoticeKind
from ironleaf.foundation.monitoring import Urgency

if TYPE_CHECKING:
    from collections.abc import Callable

    from ironleaf.foundation.alerting.templates import Message
    from ironleaf.foundation.errors import Language

HANGING_MAX: Final = 2
"""Sends of one channel that may hang at once; Apprise gives its sockets 4 s to connect and 4 s to read."""

SILENCED: Final = ("apprise", "urllib3", "urllib3.connectionpool", "requests")
"""They write addresses and paths, which are the keys of a chat's hook. Nobody else in this process uses them."""

logger = logging.getLogger(__name__)


class AppriseChannel:
    """One Apprise address.

    Raises:
        ChannelUnusable: Apprise does not know such an address.
    """

    def __init__(self, name: str, url: str, *, language: Language) -> None:
        self.name: str = name
        self.language: Language = language
        self._service = _make_service(url)
        self._free = threading.Semaphore(HANGING_MAX)

    async def send(self, message: Message) -> Finding:
        """Send on a thread of its own; who hangs longer than ``SEND_S`` is left to itself."""
        if not self._free.acquire(blocking=False):
            return Finding.CROWDED
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Finding] = loop.create_future()

        def work() -> None:
            finding = Finding.BROKEN
            try:
                finding = self._notify(message)
            finally:
                self._free.release()
                with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
                    loop.call_soon_threadsafe(_end, ended, finding)

        threading.Thread(target=work, name=f"alert-{self.name}", daemon=True).start()
        try:
            async with asyncio.timeout(SEND_S):
                return await ended
        except TimeoutError:
            return Finding.TIMEOUT

    async def aclose(self) -> None:
        """Threads that hang end by themselves, or with the process."""

    def _notify(self, message: Message) -> Finding:
        try:
            sent = self._service(title=message.title, body=message.body, notify_type=_choose_type(message))
        except Exception as error:  # noqa: BLE001 - plugins raise whatever their libraries raise
            logger.warning("alert channel %s failed: %s", self.name, type(error).__name__)
            return Finding.BROKEN
        return Finding.SENT if sent else Finding.REFUSED


def _make_service(url: str) -> Callable[..., bool]:
    for name in SILENCED:
        silenced = logging.getLogger(name)
        silenced.handlers[:] = [logging.NullHandler()]
        silenced.propagate = False
    import apprise  # noqa: PLC0415 - half a second, and only where a channel asks for it

    asset = apprise.AppriseAsset(
        app_id="Ironleaf",
        app_desc="Ironleaf",
        app_url="",
        image_url_mask="",  # pictures would be fetched from elsewhere by whoever reads the message
        image_url_logo="",
        async_mode=False,
        secure_logging=True,
        http_redirects=False,
    )
    kit, service = cast("Any", apprise.Apprise), None
    with contextlib.suppress(Exception), warnings.catch_warnings():  # a plugin's words may hold the address
        warnings.simplefilter("ignore")  # loading all plugins meets modules that Python will drop
        service = kit.instantiate(url, asset=asset, suppress_exceptions=True)
    if service is None:
        raise ChannelUnusable
    return service.notify


def _choose_type(message: Message) -> str:
    if message.kind is NoticeKind.RESOLVED:
        return "success"
    if message.kind is NoticeKind.TEST:
        return "info"
    return "failure" if message.urgency is Urgency.PAGE else "warning"


def _end(ended: asyncio.Future[Finding], finding: Finding) -> None:
    if not ended.done():
        ended.set_result(finding)
