"""What a health probe is, and what it may say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ironleaf.foundation.errors import Language


class HealthStatus(StrEnum):
    """How well a component is. Degraded still takes traffic."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """One answer of a probe. ``detail`` is the private face, made of words of ours: it is shown to operators only."""

    status: HealthStatus
    detail: str = ""
    detail_zh: str = ""
    """The same in Chinese; empty where both say the same."""

    def detail_in(self, language: Language) -> str:
        """Return the detail in a language."""
        return self.detail_zh or self.detail if language == "zh" else self.detail


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
