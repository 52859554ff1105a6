"""What the service cannot do at present, in a sentence or two, before a file is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ironleaf.application.console.words import STATE
from ironleaf.document import EngineName
from ironleaf.foundation.health import HealthBoard, HealthStatus
from ironleaf.services.engines.probe import Standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ironleaf.application.engine_desk import EngineDesk, EngineLadder
    from ironleaf.foundation.errors import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLine:
    """One sentence about what does not work."""

    tone: Literal["fair", "bad"]
    text: str


async def describe_state(desk: EngineDesk, health: HealthBoard, language: Language) -> tuple[StateLine, ...]:
    """Return what a person should know before giving a file; nothing if all is well."""
    if health.stopping:
        return (_say("stopping", "bad", language),)
    if (await health.report()).status is HealthStatus.UNHEALTHY:
        return (_say("unable", "bad", language),)
    return tuple(_describe_engines(await desk.ladder(), language))


def _describe_engines(ladder: EngineLadder, language: Language) -> Iterator[StateLine]:
    models = [line.status for line in ladder.engines if line.name is EngineName.VL]
    if models and all(status is Standing.DOWN for status in models):
        yield _say("vl_down", "fair", language)
    elif Standing.DOWN in models:
        yield _say("vl_some_down", "fair", language)
    elif models and all(status is Standing.DEGRADED for status in models):
        yield _say("vl_unsure", "fair", language)
    if any(line.name is EngineName.EMBEDDED and line.status is Standing.DOWN for line in ladder.engines):
        yield _say("embedded_down", "bad", language)


def _say(name: str, tone: Literal["fair", "bad"], language: Language) -> StateLine:
    return StateLine(tone=tone, text=STATE[name].in_language(language))
