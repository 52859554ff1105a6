"""What a channel promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ironleaf.foundation.alerting.deliveries import Finding
    from ironleaf.foundation.alerting.templates import Message
    from ironleaf.foundation.errors import Language


class ChannelUnusable(Exception):
    """The settings of a channel make none. Says nothing of their values."""


class Channel(Protocol):
    """Sends one message at a time. Its address is a secret: it stands in no log and in no answer."""

    @property
    def name(self) -> str: ...

    @property
    def language(self) -> Language: ...

    async def send(self, message: Message) -> Finding:
        """Try once, and say what came of it. Ends within ``SEND_S`` and a little.

        Never blocks the loop, never raises.
        """
        ...

    async def aclose(self) -> None: ...
