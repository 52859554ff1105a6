"""How monitoring is set."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringSettings:
    """Statistics are always kept: what they cost is bounded. What is set here is who may fetch them, and how."""

    metrics: bool = True
    """Whether there is a page for Prometheus at `/metrics`: free on this machine, else with a key of scope `ops`."""
