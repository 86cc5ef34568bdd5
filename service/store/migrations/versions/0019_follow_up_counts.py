"""Counts of treatments and of the follow-ups of pregnancies by month, kept when their rows go."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "follow_up_tally",
        sa.Column("programme_id", Id, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("measure", sa.String(length=40), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "month", "measure", name=op.f("pk_follow_up_tally")),
    )
