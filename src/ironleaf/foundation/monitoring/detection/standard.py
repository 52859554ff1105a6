"""The house's own choice of detectors, as the settings describe them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ironleaf.foundation.monitoring.detection.backends import Backends
from ironleaf.foundation.monitoring.detection.burn import Burn
from ironleaf.foundation.monitoring.detection.components import Components
from ironleaf.foundation.monitoring.detection.disks import Disks
from ironleaf.foundation.monitoring.detection.memory import Memory
from ironleaf.foundation.monitoring.detection.novelty import Novelty
from ironleaf.foundation.monitoring.detection.onset import Onset
from ironleaf.foundation.monitoring.detection.panel import Panel
from ironleaf.foundation.monitoring.detection.queues import Queues
from ironleaf.foundation.monitoring.detection.silence import Silence
from ironleaf.foundation.monitoring.detection.slowness import Slowness
from ironleaf.foundation.monitoring.detection.surge import Surge
from ironleaf.foundation.monitoring.detection.urgent import Urgent

if TYPE_CHECKING:
    from ironleaf.foundation.monitoring.detection.settings import DetectionSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardPanel:
    """The panel, and the two detectors that can be told of the past before this process."""

    panel: Panel
    silence: Silence
    novelty: Novelty


def make_standard_panel(settings: DetectionSettings) -> StandardPanel:
    """Return every detector of the house; the order is that in which they speak within one tick."""
    silence = Silence(missed_min=settings.missed_requests_min)
    novelty = Novelty()
    panel = Panel(
        {
            "urgent": Urgent(),
            "components": Components(),
            "backends": Backends(),
            "onset": Onset(healthy_share=settings.healthy_failing_share),
            "burn": Burn(availability_target=settings.availability_target, failures_min=settings.budget_failures_min),
            "disks": Disks(full_in_s=settings.disk_full_in_s),
            "memory": Memory(full_share=settings.memory_full_share),
            "queues": Queues(full_share=settings.queue_full_share),
            "silence": silence,
            "surge": Surge(factor=settings.surge_factor, usual_min_per_minute=settings.surge_min_per_minute),
            "slowness": Slowness(factor=settings.slow_factor),
            "novelty": novelty,
        },
        off=settings.rules_off,
    )
    return StandardPanel(panel=panel, silence=silence, novelty=novelty)
