"""What used to be files of lines: which files killed workers, and what was done about sick model servers."""

import sqlalchemy as sa
from alembic import op

revision = "20261124_quarantine_and_healing"
down_revision = "20261124_alerting"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quarantine_losses",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("sha256", "at", name="pk_quarantine_losses"),
    )
    op.create_index("ix_quarantine_losses_at", "quarantine_losses", ["at"])
    op.create_table(
        "healing_entries",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("backend", sa.String(100), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("guard_rail", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("undo", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_healing_entries"),
    )
    op.create_index("ix_healing_entries_at", "healing_entries", ["at"])


def downgrade() -> None:
    op.drop_table("healing_entries")
    op.drop_table("quarantine_losses")
