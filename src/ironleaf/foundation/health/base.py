"""What a health probe is, and what it may say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class HealthStatus(StrEnum):
    """How well a component is. Degraded still takes traffic."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """One answer of a probe. ``detail`` is the private face: it is shown to operators only."""

    status: HealthStatus
    detail: str = ""


class Probe(Protocol):
    """Tries one dependency, cheaply. It lives beside the thing that it probes.

    A component whose loss can be worked around answers ``DEGRADED``, never
    ``UNHEALTHY``: one unhealthy component takes the service out of traffic.
    """

    @property
    def name(self) -> str:
        """The component's public name: a word of ours, such as ``database``."""
        ...

    async def check(self) -> ProbeResult:
        """Return how the component is. Raising counts as unhealthy."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """All components together; the worst one decides."""

    status: HealthStatus
    components: dict[str, ProbeResult]
