"""Statistics: a row for each period, for each process that writes, and for each root cause."""

import sqlalchemy as sa
from alembic import op

revision = "20261124_monitoring"
down_revision = "20261124_api_keys"
branch_labels = None
depends_on = None


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "monitoring_rollups",
        sa.Column("resolution_s", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("resolution_s", "start_s", name="pk_monitoring_rollups"),
    )
    op.create_table(
        "monitoring_writers",
        sa.Column("writer", sa.String(26), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("writer", name="pk_monitoring_writers"),
    )
    op.create_table(
        "monitoring_causes",
        sa.Column("cause", sa.String(120), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(120), nullable=False),
        sa.Column("level", sa.String(8), nullable=False),
        sa.Column("component", sa.String(120), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_seen", _moment(), nullable=False),
        sa.Column("last_seen", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("cause", name="pk_monitoring_causes"),
    )


def downgrade() -> None:
    """Drop them, with everything that was counted."""
    for table in ("monitoring_causes", "monitoring_writers", "monitoring_rollups"):
        op.drop_table(table)
