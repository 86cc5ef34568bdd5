"""Visits of mediators; why a child is followed no longer, and why nothing is sent about one that is."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "visit",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("organisation_id", Id, nullable=False),
        sa.Column("child_id", Id, nullable=True),
        sa.Column("mediator_id", Id, nullable=False),
        sa.Column("zone_id", Id, nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("visited_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", Id, nullable=False),
        sa.Column("moved_to", Id, nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_visit_organisation_id")),
        sa.ForeignKeyConstraint(["child_id"], ["child.person_id"], name=op.f("fk_visit_child_id")),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_visit_zone_id")),
        sa.ForeignKeyConstraint(["moved_to"], ["zone.id"], name=op.f("fk_visit_moved_to")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        sa.UniqueConstraint(
            "child_id",
            "mediator_id",
            "visited_on",
            "status",
            name=op.f("uq_visit_child_id_mediator_id_visited_on_status"),
        ),
    )
    op.create_index("ix_visit_day", "visit", ["visited_on", "zone_id"])
    op.add_column("child", sa.Column("stopped_why", sa.String(length=8), nullable=True))
    op.add_column("child", sa.Column("quiet_why", sa.String(length=8), nullable=True))
    op.add_column("child", sa.Column("quiet_until", sa.Date(), nullable=True))
    # Until now only a family could say so.
    op.execute("UPDATE child SET stopped_why = 'family' WHERE status = 'stopped'")
