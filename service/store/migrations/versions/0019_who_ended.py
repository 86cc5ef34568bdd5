"""Who wrote down that a follow-up ended."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("follow_up", sa.Column("ended_by", sa.String(length=60), nullable=True))
