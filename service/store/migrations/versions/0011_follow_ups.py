"""Follow-ups with dates; an appointment belongs to a child or to a follow-up."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_follow_ups()
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("appointment", "child_id", existing_type=Id, nullable=True)
        op.add_column("appointment", sa.Column("follow_up_id", Id, nullable=True))
        op.create_foreign_key(op.f("fk_appointment_follow_up_id"), "appointment", "follow_up", ["follow_up_id"], ["id"])
    else:
        _rebuild_appointments()
    of_follow_ups = sa.text("follow_up_id IS NOT NULL")
    op.create_index(
        "ix_appointment_follow_up",
        "appointment",
        ["follow_up_id", "state"],
        sqlite_where=of_follow_ups,
        postgresql_where=of_follow_ups,
    )


def _create_follow_ups() -> None:
    op.create_table(
        "follow_up",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("organisation_id", Id, nullable=False),
        sa.Column("programme_id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("household_id", Id, nullable=False),
        sa.Column("zone_id", Id, nullable=True),
        sa.Column("centre_id", Id, nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("give_or_take", sa.Integer(), nullable=False),
        sa.Column("protocol", sa.String(length=40), nullable=False),
        sa.Column("protocol_version", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("ended_why", sa.LargeBinary(), nullable=True),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("opened_by", sa.String(length=60), nullable=False),
        sa.Column("opened_at", Id, nullable=False),
        sa.Column("ended_at", Id, nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_follow_up_organisation_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_follow_up_programme_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_follow_up_person_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_follow_up_household_id")),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_follow_up_zone_id")),
        sa.ForeignKeyConstraint(["centre_id"], ["health_centre.id"], name=op.f("fk_follow_up_centre_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
        sa.UniqueConstraint("code", "kind", name=op.f("uq_follow_up_code_kind")),
    )
    for column in ("person_id", "household_id", "ended_at"):
        op.create_index(op.f(f"ix_follow_up_{column}"), "follow_up", [column], unique=False)
    is_open = sa.text("state = 'open'")
    op.create_index(
        "uq_follow_up_open",
        "follow_up",
        ["person_id", "kind"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "follow_up_contact",
        sa.Column("follow_up_id", Id, nullable=False),
        sa.Column("contact", sa.String(length=12), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.String(length=60), nullable=False),
        sa.Column("recorded_at", Id, nullable=False),
        sa.ForeignKeyConstraint(["follow_up_id"], ["follow_up.id"], name=op.f("fk_follow_up_contact_follow_up_id")),
        sa.PrimaryKeyConstraint("follow_up_id", "contact", name=op.f("pk_follow_up_contact")),
    )


def _rebuild_appointments() -> None:
    """SQLite cannot make a column nullable: the table is written anew, and its rows are put back."""
    # The messages' links point to rows that are away for a moment: they are checked at the commit.
    op.execute("PRAGMA defer_foreign_keys=ON")
    op.execute("CREATE TABLE appointment_before AS SELECT * FROM appointment")
    op.drop_table("appointment")
    op.create_table(
        "appointment",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("organisation_id", Id, nullable=False),
        sa.Column("programme_id", Id, nullable=False),
        sa.Column("child_id", Id, nullable=True),
        sa.Column("follow_up_id", Id, nullable=True),
        sa.Column("household_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("doses", sa.String(length=120), nullable=False),
        sa.Column("anchor_on", sa.Date(), nullable=False),
        sa.Column("lapses_on", sa.Date(), nullable=True),
        sa.Column("meets_on", sa.Date(), nullable=True),
        sa.Column("awaits_stock", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("last_step", sa.String(length=8), nullable=True),
        sa.Column("next_step", sa.String(length=8), nullable=True),
        sa.Column("next_step_on", sa.Date(), nullable=True),
        sa.Column("created_at", Id, nullable=False),
        sa.Column("updated_at", Id, nullable=False),
        sa.ForeignKeyConstraint(["child_id"], ["child.person_id"], name=op.f("fk_appointment_child_id")),
        sa.ForeignKeyConstraint(["follow_up_id"], ["follow_up.id"], name=op.f("fk_appointment_follow_up_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_appointment_household_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_appointment_organisation_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_appointment_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
    )
    kept = (
        "id, organisation_id, programme_id, child_id, household_id, kind, doses, anchor_on, lapses_on, meets_on, "
        "awaits_stock, state, last_step, next_step, next_step_on, created_at, updated_at"
    )
    op.execute(f"INSERT INTO appointment ({kept}) SELECT {kept} FROM appointment_before")  # noqa: S608
    op.drop_table("appointment_before")
    op.create_index("ix_appointment_child", "appointment", ["child_id", "state"], unique=False)
    op.create_index("ix_appointment_household", "appointment", ["household_id", "state"], unique=False)
    op.create_index(
        "ix_appointment_next_step",
        "appointment",
        ["next_step_on", "household_id"],
        unique=False,
        sqlite_where=sa.text("next_step_on IS NOT NULL"),
    )
