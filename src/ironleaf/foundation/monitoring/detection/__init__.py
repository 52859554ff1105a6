"""Detection: small pure machines that turn figures into signals: one when a condition begins, one when it ends."""

from ironleaf.foundation.monitoring.detection.counting import TickCounter
from ironleaf.foundation.monitoring.detection.panel import Panel
from ironleaf.foundation.monitoring.detection.rules import RULES, Rule
from ironleaf.foundation.monitoring.detection.settings import DetectionSettings
from ironleaf.foundation.monitoring.detection.standard import StandardPanel, make_standard_panel
from ironleaf.foundation.monitoring.detection.tick import (
    BackendFigures,
    DiskFigures,
    MemoryFigures,
    QueueFigures,
    Tick,
)

__all__ = [
    "RULES",
    "BackendFigures",
    "DetectionSettings",
    "DiskFigures",
    "MemoryFigures",
    "Panel",
    "QueueFigures",
    "Rule",
    "StandardPanel",
    "Tick",
    "TickCounter",
    "make_standard_panel",
]
