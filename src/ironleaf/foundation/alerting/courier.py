"""Sends what is in the outbox: bounded in number and time, tried again with growing waits, given up visibly."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.alerting.deliveries import (
    FALL_BACK_ATTEMPTS,
    SEND_S,
    Delivery,
    DeliveryState,
    Finding,
    settle,
)
from ironleaf.foundation.alerting.templates import Message, render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from ironleaf.foundation.alerting.channels.base import Channel
    from ironleaf.foundation.alerting.keeper import Keeper
    from ironleaf.foundation.clock import Clock

SENDS_MAX: Final = 8
"""Under way at once; a send takes a second, and an incident has a handful of channels."""
PATIENCE_S: Final = SEND_S + 5.0
"""A channel ends by itself; should one not, it is cut off here."""
CLOSE_S: Final = 5.0
"""How long closing waits for sends under way; what is not recorded is sent again by the next process."""

logger = logging.getLogger(__name__)


class Courier:
    """Carries deliveries to their channels.

    ``on_failed`` hears of each delivery that goes wrong again, or for good, and ``on_sent`` of each that went well.
    """

    def __init__(
        self,
        keeper: Keeper,
        channels: Mapping[str, Channel],
        *,
        clock: Clock,
        random: Random,
        redact: Callable[[Message], Message],
        public_url: str,
        on_failed: Callable[[Delivery], None],
        on_sent: Callable[[Delivery], None],
    ) -> None:
        self._keeper = keeper
        self._channels = channels
        self._clock = clock
        self._random = random
        self._redact = redact
        self._public_url = public_url
        self._on_failed = on_failed
        self._on_sent = on_sent
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def start_due(self) -> None:
        """Begin to send what is due; what comes of it is told by the callbacks."""
        room = SENDS_MAX - len(self._under_way)
        if room <= 0 or not self._channels:
            return
        for delivery in await self._keeper.take(self._channels, room):
            if delivery.id not in self._under_way:
                task = asyncio.create_task(self._carry(delivery))
                self._under_way[delivery.id] = task
                task.add_done_callback(lambda _, name=delivery.id: self._under_way.pop(name, None))

    async def aclose(self) -> None:
        """Wait a little for what is under way, then let go of the channels."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way.values(), timeout=CLOSE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for channel in self._channels.values():
            await channel.aclose()

    async def _carry(self, delivery: Delivery) -> None:
        try:
            finding = await self._try(delivery)
            settled = settle(delivery, finding, self._clock.now(), self._random)
            await self._keeper.record(settled)
        except Exception as error:  # noqa: BLE001 - its lease ends, and it is tried again
            logger.warning("alerting: a delivery was not recorded: %s", type(error).__name__)
            return
        if settled.state is DeliveryState.SENT:
            self._on_sent(settled)
        elif settled.attempts == FALL_BACK_ATTEMPTS or settled.state is DeliveryState.DEAD:
            self._on_failed(settled)

    async def _try(self, delivery: Delivery) -> Finding:
        story = await self._keeper.find(delivery.incident_id)
        if story is None:
            return Finding.BROKEN
        channel = self._channels[delivery.channel]
        message = render(
            story[0],
            delivery.kind,
            delivery_id=delivery.id,
            language=channel.language,
            public_url=self._public_url,
        )
        return await send_bounded(channel, self._redact(message))


async def send_bounded(channel: Channel, message: Message) -> Finding:
    """Send, whatever the channel does: it neither raises nor takes longer than ``PATIENCE_S``."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await channel.send(message)
    except TimeoutError:
        return Finding.TIMEOUT
    except Exception as error:  # noqa: BLE001 - channels promise not to; this one has broken its word
        logger.warning("alert channel %s failed: %s", channel.name, type(error).__name__)
        return Finding.BROKEN
