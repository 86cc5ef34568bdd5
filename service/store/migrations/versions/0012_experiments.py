"""Experiments: what is tried on which share of the families, who approved it, and what was counted of each arm."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "experiment",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("programme_id", Id, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("steps", sa.String(length=120), nullable=False),
        sa.Column("wording", sa.String(length=80), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("within_days", sa.Integer(), nullable=False),
        sa.Column("declared_at", Id, nullable=False),
        sa.Column("declared_by", sa.String(length=60), nullable=False),
        sa.Column("approved_by", sa.String(length=120), nullable=False),
        sa.Column("approval_reference", sa.String(length=120), nullable=False),
        sa.Column("stopped_at", Id, nullable=True),
        sa.Column("stopped_by", sa.String(length=60), nullable=True),
        sa.Column("stopped_why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_experiment_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiment")),
        sa.UniqueConstraint("name", name=op.f("uq_experiment_name")),
    )
    op.create_index(op.f("ix_experiment_programme_id"), "experiment", ["programme_id"], unique=False)
    op.create_table(
        "experiment_count",
        sa.Column("experiment_id", Id, nullable=False),
        sa.Column("arm", sa.String(length=10), nullable=False),
        sa.Column("measure", sa.String(length=24), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["experiment_id"], ["experiment.id"], name=op.f("fk_experiment_count_experiment_id")),
        sa.PrimaryKeyConstraint("experiment_id", "arm", "measure", name=op.f("pk_experiment_count")),
    )
