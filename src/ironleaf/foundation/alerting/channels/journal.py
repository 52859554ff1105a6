"""The log as a channel: it is always there."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import structlog

from ironleaf.foundation.alerting.deliveries import Finding
from ironleaf.foundation.alerting.incidents import NoticeKind
from ironleaf.foundation.monitoring import Urgency

if TYPE_CHECKING:
    from ironleaf.foundation.alerting.templates import Message
    from ironleaf.foundation.errors import Language

LOG_CHANNEL = "log"

_log = structlog.get_logger("ironleaf.alerts")


class LogChannel:
    """Writes each notice as one record: what is urgent as critical."""

    name = LOG_CHANNEL
    language: Language = "en"

    async def send(self, message: Message) -> Finding:
        """Write the record."""
        urgent = message.kind is NoticeKind.OPENED and message.urgency is Urgency.PAGE
        level = logging.CRITICAL if urgent else logging.WARNING
        _log.log(
            level if message.kind is NoticeKind.OPENED else logging.INFO,
            f"incident {message.kind.value}",
            notice=message.id,
            incident=message.data.get("incident"),
            card=message.data.get("card"),
        )
        return Finding.SENT

    async def aclose(self) -> None:
        """Nothing is held."""
