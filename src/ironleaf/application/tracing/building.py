"""The wiring of tracing: nothing of OpenTelemetry is loaded unless it is asked for."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from ironleaf.application.settings import SettingsRefused
from ironleaf.application.tracing.settings import TracingSettings
from ironleaf.application.watching import Watching
from ironleaf.foundation.clock import Clock

if TYPE_CHECKING:
    from ironleaf.application.tracing.spans import Tracing

_NAME: Final = "tracing.endpoint (IRONLEAF_TRACING__ENDPOINT)"


def build_tracing(settings: TracingSettings, watching: Watching, *, clock: Clock, replica: str) -> Tracing | None:
    """Return what writes traces of all that ``watching`` hears, or nothing if none are asked for.

    Raises:
        SettingsRefused: the extra ``traces`` is not installed.
    """
    if not settings.endpoint:
        return None
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter") is None:
        raise SettingsRefused((f"{_NAME}: must be empty unless the extra `traces` is installed",))
    from ironleaf.application.tracing.spans import Tracing, make_exporter  # noqa: PLC0415 - loads OpenTelemetry

    tracing = Tracing(make_exporter(settings.endpoint), settings, clock=clock, replica=replica)
    watching.follow(tracing)
    return tracing
