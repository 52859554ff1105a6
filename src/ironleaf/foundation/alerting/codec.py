"""From values to JSON text and back. What a newer version wrote and this one does not know is passed over."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final, cast

import orjson

from ironleaf.foundation.alerting.incidents import Claim, Incident, IncidentState
from ironleaf.foundation.alerting.silences import Silence
from ironleaf.foundation.monitoring import Urgency

_TIMES: Final = frozenset(
    {
        *("since", "opened_at", "due_at", "announced_at", "acknowledged_at", "resolved_at", "closed_at"),
        *("orphaned_at", "starts_at", "ends_at"),
    }
)


def encode(value: Incident | Claim | Silence) -> str:
    """Return a value as JSON text."""
    return orjson.dumps(asdict(value)).decode()


def decode_incident(text: str) -> Incident:
    """Return the incident that was encoded."""
    said = _read(text, Incident)
    said["state"] = IncidentState(said["state"])
    said["urgency"] = Urgency(said["urgency"])
    said["told_as"] = Urgency(said["told_as"]) if said.get("told_as") else None
    said["rules"] = tuple(said["rules"])
    said["also_told"] = tuple(said.get("also_told", ()))
    return Incident(**said)


def decode_claim(text: str) -> Claim:
    """Return the claim that was encoded."""
    said = _read(text, Claim)
    said["urgency"] = Urgency(said["urgency"])
    return Claim(**said)


def decode_silence(text: str) -> Silence:
    """Return the silence that was encoded."""
    return Silence(**_read(text, Silence))


def _read(text: str, kind: type[Any]) -> dict[str, Any]:
    known = {each.name for each in fields(kind)}
    said = cast("dict[str, Any]", orjson.loads(text))
    return {
        name: datetime.fromisoformat(value) if name in _TIMES and isinstance(value, str) else value
        for name, value in said.items()
        if name in known
    }
