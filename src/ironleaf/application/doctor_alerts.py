"""Tries the channels of alerts: a test message through each, and what came of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ironleaf.application.alerting import build_channels
from ironleaf.application.doctor_checks import Check, Verdict
from ironleaf.application.settings import Settings, SettingsRefused
from ironleaf.foundation.alerting.channels.journal import LOG_CHANNEL
from ironleaf.foundation.alerting.courier import send_bounded
from ironleaf.foundation.alerting.deliveries import Finding
from ironleaf.foundation.alerting.templates import render_test
from ironleaf.foundation.clock import Clock


async def examine_channels(settings: Settings, *, clock: Clock) -> AsyncIterator[Check]:
    """Send a test through each configured channel, one after the other, and yield what came of it."""
    try:
        channels = [each for each in build_channels(settings.alerts, clock) if each.name != LOG_CHANNEL]
    except SettingsRefused:
        yield Check(subject="alerts", step="channels", verdict=Verdict.FAILED)
        return
    if not channels:
        yield Check(subject="alerts", step="channels", verdict=Verdict.WARNING, finding="log only")
    for channel in channels:
        message = render_test(delivery_id=f"test:{channel.name}", language=channel.language, now=clock.now())
        finding = await send_bounded(channel, message)
        await channel.aclose()
        yield Check(
            subject=channel.name,
            step=f"sent {finding.value}" if finding is Finding.ADDRESS_NOT_ALLOWED else "sent",
            verdict=Verdict.OK if finding is Finding.SENT else Verdict.FAILED,
            finding=finding.value,
        )
