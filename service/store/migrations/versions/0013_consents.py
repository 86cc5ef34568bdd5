"""Who reads a phone, when its number was asked after, and numbers that are named beside the first one."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("phone", sa.Column("readers", sa.String(length=8), nullable=True))
    op.add_column("phone", sa.Column("asked_on", sa.Date(), nullable=True))
    kind = sa.Column("kind", sa.String(length=8), server_default="instead", nullable=False)
    op.add_column("handover", kind)
