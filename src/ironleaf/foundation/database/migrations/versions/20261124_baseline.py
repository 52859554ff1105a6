"""Where every database begins: with nothing but the note of its own version."""

revision = "20261124_baseline"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make nothing: the first tables come with their owners."""


def downgrade() -> None:
    """Leave nothing to take back."""
