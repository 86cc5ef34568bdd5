"""Mediators: accounts with a phone, quartiers and a PIN."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "mediator",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("organisation_id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("phone_id", Id, nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("pin", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("locked_at", Id, nullable=True),
        sa.Column("left_at", Id, nullable=True),
        sa.Column("last_used_at", Id, nullable=True),
        sa.Column("created_at", Id, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_mediator_organisation_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_mediator_person_id")),
        sa.ForeignKeyConstraint(["phone_id"], ["phone.id"], name=op.f("fk_mediator_phone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mediator")),
        sa.UniqueConstraint("person_id", name=op.f("uq_mediator_person_id")),
    )
    stays = sa.text("state != 'left'")
    op.create_index(
        "uq_mediator_phone", "mediator", ["phone_id"], unique=True, sqlite_where=stays, postgresql_where=stays
    )
    op.create_index(op.f("ix_mediator_left_at"), "mediator", ["left_at"], unique=False)
    op.create_table(
        "mediator_zone",
        sa.Column("mediator_id", Id, nullable=False),
        sa.Column("zone_id", Id, nullable=False),
        sa.ForeignKeyConstraint(["mediator_id"], ["mediator.id"], name=op.f("fk_mediator_zone_mediator_id")),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_mediator_zone_zone_id")),
        sa.PrimaryKeyConstraint("mediator_id", "zone_id", name=op.f("pk_mediator_zone")),
    )
    op.create_index(op.f("ix_mediator_zone_zone_id"), "mediator_zone", ["zone_id"], unique=False)
