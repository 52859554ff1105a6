"""Health: what the parts say of themselves, gathered for whoever sends traffic."""

from ironleaf.foundation.health.base import HealthReport, HealthStatus, Probe, ProbeResult
from ironleaf.foundation.health.board import HealthBoard

__all__ = ["HealthBoard", "HealthReport", "HealthStatus", "Probe", "ProbeResult"]
