"""Why a dose was taken back, and the talks that mediators hold."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("dose", sa.Column("voided_why", sa.String(length=12), nullable=True))
    op.add_column("dose", sa.Column("voided_note", sa.LargeBinary(), nullable=True))
    op.create_table(
        "talk",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("organisation_id", Id, nullable=False),
        sa.Column("mediator_id", Id, nullable=False),
        sa.Column("zone_id", Id, nullable=False),
        sa.Column("theme", sa.String(length=20), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("participants", sa.Integer(), nullable=False),
        sa.Column("recorded_at", Id, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_talk_organisation_id")),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_talk_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_talk")),
        sa.UniqueConstraint(
            "mediator_id", "zone_id", "theme", "held_on", name=op.f("uq_talk_mediator_id_zone_id_theme_held_on")
        ),
    )
    op.create_index(op.f("ix_talk_held_on"), "talk", ["held_on"])
