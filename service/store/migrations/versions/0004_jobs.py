"""Coarse jobs: our own table, and on PostgreSQL the tables and functions of Procrastinate beside it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Rows that live for seconds: cleaned after some hundreds, whatever the size of the table says.
BUSY = (
    "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, "
    "autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 500"
)


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("args", sa.Text(), nullable=False),
        sa.Column("lock", sa.String(length=120), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("run_at", Id, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", Id, nullable=True),
        sa.Column("error", sa.String(length=120), nullable=True),
        sa.Column("added_at", Id, nullable=False),
        sa.Column("ended_at", Id, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index("uq_job_lock", "job", ["lock"], unique=True, sqlite_where=waiting, postgresql_where=waiting)
    op.create_index("ix_job_state", "job", ["state", "added_at"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        _make_procrastinate()


def _make_procrastinate() -> None:
    # Only here: a SQLite installation never loads it.
    from procrastinate.schema import SchemaManager

    # On the driver's own connection: many statements at once, and its % signs are meant.
    op.get_bind().connection.driver_connection.execute(SchemaManager.get_schema())
    for table in ("procrastinate_jobs", "procrastinate_events", "procrastinate_workers"):
        op.execute(sa.text(f"ALTER TABLE {table} SET ({BUSY})"))
