"""How far the plans of all children are made anew."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "replan_run",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("calendar", sa.String(length=40), nullable=False),
        sa.Column("calendar_version", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("after_household", Id, nullable=False),
        sa.Column("children", sa.Integer(), nullable=False),
        sa.Column("children_in_all", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("started_by", sa.String(length=60), nullable=False),
        sa.Column("started_at", Id, nullable=False),
        sa.Column("moved_at", Id, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replan_run")),
    )
    is_open = sa.text("state != 'done'")
    op.create_index(
        "uq_replan_run_open",
        "replan_run",
        ["calendar"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
