"""The rules that alerting itself adds to those of detection."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.errors import Text
from ironleaf.foundation.monitoring import Urgency
from ironleaf.foundation.monitoring.detection import RULES, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

ALERT_DELIVERY: Final = Rule(
    name="alert-delivery",
    urgency=Urgency.PAGE,
    sentence=Text(
        "A channel does not take our alerts; backup channels, if there are any, get them instead.",
        "某个告警通道无法送达；如已配置备用通道，告警改由备用通道发送。",
    ),
    settles_s=300.0,
)
DELIVERY_COMPONENT: Final = "alerting"
DELIVERY_CAUSE: Final = "delivery-failed"

ALL_RULES: Final[Mapping[str, Rule]] = MappingProxyType({**RULES, ALERT_DELIVERY.name: ALERT_DELIVERY})
"""By name: each has a runbook."""
