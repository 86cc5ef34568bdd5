"""Centres' days, what is cancelled or out of stock there, and the day of an appointment that follows from it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "centre_fact",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("centre_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("weekday", sa.String(length=3), nullable=True),
        sa.Column("antigens", sa.String(length=120), nullable=True),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.String(length=60), nullable=False),
        sa.Column("recorded_at", Id, nullable=False),
        sa.Column("ended_by", sa.String(length=60), nullable=True),
        sa.Column("ended_at", Id, nullable=True),
        sa.ForeignKeyConstraint(["centre_id"], ["health_centre.id"], name=op.f("fk_centre_fact_centre_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_centre_fact")),
    )
    stands = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_centre_fact_standing", "centre_fact", ["centre_id"], sqlite_where=stands, postgresql_where=stands
    )
    op.create_index("ix_child_centre", "child", ["centre_id", "household_id"])
    op.add_column("appointment", sa.Column("meets_on", sa.Date(), nullable=True))
    waits = sa.Column("awaits_stock", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("appointment", waits)
