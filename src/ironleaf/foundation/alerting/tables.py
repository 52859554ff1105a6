"""The tables of alerting. Incidents, claims and silences are small and always read whole, so they are kept as JSON."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint

from ironleaf.foundation.database import UtcDateTime, metadata

TURNS: Final = Table(
    "alert_turns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", Integer, nullable=False),
)
"""One row: whoever moves the board counts it up first, and so has the board to himself until the transaction ends."""
INCIDENTS: Final = Table(
    "alert_incidents",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("live_key", String(250), nullable=True),
    Column("state", String(20), nullable=False),
    Column("closed_at", UtcDateTime(), nullable=True),
    Column("body", Text(), nullable=False),
    UniqueConstraint("live_key", name="uq_alert_incidents_live_key"),
    Index("ix_alert_incidents_state", "state"),
    Index("ix_alert_incidents_closed_at", "closed_at"),
)
"""``live_key`` is the cause while the incident is live, else nothing: one live incident for each cause."""
CLAIMS: Final = Table(
    "alert_claims",
    metadata,
    Column("key", String(250), primary_key=True),
    Column("replica", String(120), primary_key=True),
    Column("rule", String(100), primary_key=True),
    Column("body", Text(), nullable=False),
)
SILENCES: Final = Table(
    "alert_silences",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("ends_at", UtcDateTime(), nullable=False),
    Column("body", Text(), nullable=False),
)
REPLICAS: Final = Table(
    "alert_replicas",
    metadata,
    Column("id", String(120), primary_key=True),
    Column("seen_at", UtcDateTime(), nullable=False),
)
DELIVERIES: Final = Table(
    "alert_deliveries",
    metadata,
    Column("id", String(160), primary_key=True),
    Column("incident_id", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("channel", String(64), nullable=False),
    Column("state", String(20), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("next_at", UtcDateTime(), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("finding", String(40), nullable=False),
    Column("ended_at", UtcDateTime(), nullable=True),
    Column("leased_until", UtcDateTime(), nullable=True),
    Index("ix_alert_deliveries_due", "state", "next_at"),
    Index("ix_alert_deliveries_incident", "incident_id"),
)
"""The outbox. The id is made of incident, kind and channel: whoever asks, nobody is told twice."""
STEPS: Final = Table(
    "alert_steps",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("incident_id", String(40), nullable=False),
    Column("at", UtcDateTime(), nullable=False),
    Column("act", String(20), nullable=False),
    Column("by", String(120), nullable=False),
    Column("why", String(250), nullable=False),
    Index("ix_alert_steps_incident", "incident_id"),
)
SETTINGS_PRINTS: Final = Table(
    "alert_settings_prints",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("replica", String(120), nullable=False),
    Column("at", UtcDateTime(), nullable=False),
    Column("prints", Text(), nullable=False),
    Column("changed", Text(), nullable=False),
    Index("ix_alert_settings_prints_replica", "replica"),
)
"""A fingerprint of each section of the settings, written when one differs from that of the start before."""
