"""Announced malaria rounds; an appointment may be of a membership, whose cover ends."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "malaria_round",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("district", sa.String(length=60), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("said_by", sa.String(length=60), nullable=False),
        sa.Column("said_at", Id, nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("is_walked", sa.Boolean(), nullable=False),
        sa.Column("after_household", Id, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_malaria_round")),
        sa.UniqueConstraint("district", "year", "number", name=op.f("uq_malaria_round_district_year_number")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.add_column("appointment", sa.Column("membership_id", Id, nullable=True))
        op.create_foreign_key(
            op.f("fk_appointment_membership_id"), "appointment", "membership", ["membership_id"], ["id"]
        )
    else:  # SQLite takes a reference with its column, and no other way
        op.execute(
            "ALTER TABLE appointment ADD COLUMN membership_id INTEGER"
            " CONSTRAINT fk_appointment_membership_id REFERENCES membership (id)"
        )
    of_memberships = sa.text("membership_id IS NOT NULL")
    op.create_index(
        "ix_appointment_membership",
        "appointment",
        ["membership_id", "state"],
        sqlite_where=of_memberships,
        postgresql_where=of_memberships,
    )
    standing = sa.text("state = 'active'")
    op.create_index(
        "ix_membership_paid_until", "membership", ["paid_until"], sqlite_where=standing, postgresql_where=standing
    )
