"""Who wrote down that a follow-up ended, talks that were put aside, and carriers' ids of earlier sendings."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("follow_up", sa.Column("ended_by", sa.String(length=60), nullable=True))
    op.create_table(
        "dropped_talk",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("mediator_id", Id, nullable=False),
        sa.Column("zone_id", Id, nullable=False),
        sa.Column("theme", sa.String(length=20), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("participants", sa.Integer(), nullable=False),
        sa.Column("recorded_at", Id, nullable=False),
        sa.Column("dropped_by", sa.String(length=60), nullable=False),
        sa.Column("dropped_at", Id, nullable=False),
        sa.Column("dropped_why", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_dropped_talk_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dropped_talk")),
    )
    op.create_index(op.f("ix_dropped_talk_held_on"), "dropped_talk", ["held_on"])
    op.create_table(
        "former_carrier_id",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("message_id", Id, nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("carrier_id", sa.String(length=100), nullable=False),
        sa.Column("at", Id, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_carrier_id")),
    )
    for name in ("message_id", "carrier_id", "at"):
        op.create_index(op.f(f"ix_former_carrier_id_{name}"), "former_carrier_id", [name])
