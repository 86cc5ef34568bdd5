"""Alarms of the console: which account somebody guesses at, and since when."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "staff_alarm",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("at", Id, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("staff_id", Id, nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_alarm_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_alarm")),
    )
    op.create_index(op.f("ix_staff_alarm_at"), "staff_alarm", ["at"])
