"""How tracing is set."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingSettings:
    """Traces of requests for a collector that speaks OTLP over HTTP. Needs the extra ``traces``.

    Raises:
        ValueError: begins with the setting's name and never holds its value.
    """

    endpoint: str = ""
    """Where spans are posted to, such as ``http://collector:4318/v1/traces``; empty: no traces."""
    share: float = 1.0
    """Of requests without a trace of their caller's, the part that is traced (0-1)."""
    continue_callers: bool = True
    """Whether a request's own ``traceparent`` is continued, its word on sampling heeded, and the model servers told.

    That the model servers are told needs no ``endpoint``.
    """

    def __post_init__(self) -> None:
        if self.endpoint and not _is_address(self.endpoint):
            raise ValueError("endpoint: must be an http or https address without a password in it")
        if not 0 <= self.share <= 1:
            raise ValueError("share: must be between 0 and 1")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
    except ValueError:
        return False
