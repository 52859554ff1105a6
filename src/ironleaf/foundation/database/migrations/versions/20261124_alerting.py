"""Incidents, silences, who says what, and the outbox of alerts."""

import sqlalchemy as sa
from alembic import op

revision = "20261124_alerting"
down_revision = "20261124_baseline"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables of alerting."""
    op.create_table(
        "alert_turns",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
    )
    op.create_table(
        "alert_incidents",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("live_key", sa.String(250), nullable=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("closed_at", _MOMENT, nullable=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.UniqueConstraint("live_key", name="uq_alert_incidents_live_key"),
    )
    op.create_index("ix_alert_incidents_state", "alert_incidents", ["state"])
    op.create_index("ix_alert_incidents_closed_at", "alert_incidents", ["closed_at"])
    op.create_table(
        "alert_claims",
        sa.Column("key", sa.String(250), primary_key=True),
        sa.Column("replica", sa.String(120), primary_key=True),
        sa.Column("rule", sa.String(100), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "alert_silences",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("ends_at", _MOMENT, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "alert_replicas",
        sa.Column("id", sa.String(120), primary_key=True),
        sa.Column("seen_at", _MOMENT, nullable=False),
    )
    _create_outbox()
    _create_records()
    op.execute("INSERT INTO alert_turns (id, number) VALUES (1, 0)")


def _create_outbox() -> None:
    op.create_table(
        "alert_deliveries",
        sa.Column("id", sa.String(160), primary_key=True),
        sa.Column("incident_id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("next_at", _MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("finding", sa.String(40), nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("leased_until", _MOMENT, nullable=True),
    )
    op.create_index("ix_alert_deliveries_due", "alert_deliveries", ["state", "next_at"])
    op.create_index("ix_alert_deliveries_incident", "alert_deliveries", ["incident_id"])


def _create_records() -> None:
    op.create_table(
        "alert_steps",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("incident_id", sa.String(40), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("act", sa.String(20), nullable=False),
        sa.Column("by", sa.String(120), nullable=False),
        sa.Column("why", sa.String(250), nullable=False),
    )
    op.create_index("ix_alert_steps_incident", "alert_steps", ["incident_id"])
    op.create_table(
        "alert_settings_prints",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("replica", sa.String(120), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("prints", sa.Text, nullable=False),
        sa.Column("changed", sa.Text, nullable=False),
    )
    op.create_index("ix_alert_settings_prints_replica", "alert_settings_prints", ["replica"])


def downgrade() -> None:
    """Drop the tables of alerting, and what stands in them."""
    for table in ("settings_prints", "steps", "deliveries", "replicas", "silences", "claims", "incidents", "turns"):
        op.drop_table(f"alert_{table}")
