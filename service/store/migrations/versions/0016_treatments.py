"""Treatments of malnourished children: their weekly visits, and what was measured."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "treatment",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("child_id", Id, nullable=False),
        sa.Column("admitted_on", sa.Date(), nullable=False),
        sa.Column("protocol", sa.String(length=40), nullable=False),
        sa.Column("protocol_version", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("lapses_on", sa.Date(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("ended_why", sa.LargeBinary(), nullable=True),
        sa.Column("opened_by", sa.String(length=60), nullable=False),
        sa.Column("opened_at", Id, nullable=False),
        sa.Column("ended_at", Id, nullable=True),
        sa.ForeignKeyConstraint(["child_id"], ["child.person_id"], name=op.f("fk_treatment_child_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_treatment")),
    )
    for column in ("child_id", "ended_at"):
        op.create_index(op.f(f"ix_treatment_{column}"), "treatment", [column], unique=False)
    is_open = sa.text("state = 'open'")
    op.create_index(
        "uq_treatment_open", "treatment", ["child_id"], unique=True, sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_index(
        "ix_treatment_lapses", "treatment", ["lapses_on"], unique=False, sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_table(
        "treatment_visit",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("treatment_id", Id, nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("measure", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_by", sa.String(length=60), nullable=False),
        sa.Column("recorded_at", Id, nullable=False),
        sa.ForeignKeyConstraint(["treatment_id"], ["treatment.id"], name=op.f("fk_treatment_visit_treatment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_treatment_visit")),
        sa.UniqueConstraint("treatment_id", "made_on", name=op.f("uq_treatment_visit_treatment_id_made_on")),
    )
