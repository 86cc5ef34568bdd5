"""Conversations that are finished: cut lines, the mediators' list, releases, and what the new flows write down."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column("number_idx", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number_idx", "kind", "day", name=op.f("pk_attempt")),
    )
    op.create_index(op.f("ix_attempt_day"), "attempt", ["day"], unique=False)
    op.create_table(
        "flow_release",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("published_by", sa.String(length=60), nullable=False),
        sa.Column("published_at", Id, nullable=False),
        sa.Column("approved_by", sa.String(length=60), nullable=True),
        sa.Column("approved_at", Id, nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_flow_release")),
    )
    op.create_table(
        "feedback",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("phone_id", Id, nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("created_at", Id, nullable=False),
        sa.Column("state_at", Id, nullable=False),
        sa.ForeignKeyConstraint(["phone_id"], ["phone.id"], name=op.f("fk_feedback_phone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
        sa.UniqueConstraint("number", name=op.f("uq_feedback_number")),
    )
    op.create_index(op.f("ix_feedback_phone_id"), "feedback", ["phone_id"], unique=False)
    op.create_table(
        "handover",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("household_id", Id, nullable=False),
        sa.Column("old_phone_id", Id, nullable=True),
        sa.Column("new_phone_id", Id, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("created_at", Id, nullable=False),
        sa.Column("expires_at", Id, nullable=False),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_handover_household_id")),
        sa.ForeignKeyConstraint(["new_phone_id"], ["phone.id"], name=op.f("fk_handover_new_phone_id")),
        sa.ForeignKeyConstraint(["old_phone_id"], ["phone.id"], name=op.f("fk_handover_old_phone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
    )
    op.create_index(op.f("ix_handover_household_id"), "handover", ["household_id"], unique=False)
    op.create_index(op.f("ix_handover_new_phone_id"), "handover", ["new_phone_id"], unique=False)
    op.create_table(
        "membership",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("organisation_id", Id, nullable=False),
        sa.Column("household_id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("phone_id", Id, nullable=False),
        sa.Column("scheme", sa.String(length=24), nullable=False),
        sa.Column("package", sa.String(length=24), nullable=False),
        sa.Column("head_name", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("monthly_fcfa", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("paid_until", sa.Date(), nullable=True),
        sa.Column("requested_at", Id, nullable=False),
        sa.Column("state_at", Id, nullable=False),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_membership_household_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_membership_organisation_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_membership_person_id")),
        sa.ForeignKeyConstraint(["phone_id"], ["phone.id"], name=op.f("fk_membership_phone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint("number", name=op.f("uq_membership_number")),
    )
    op.create_index(op.f("ix_membership_household_id"), "membership", ["household_id"], unique=False)
    op.create_index(op.f("ix_membership_phone_id"), "membership", ["phone_id"], unique=False)
    op.create_table(
        "task",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("zone_id", Id, nullable=True),
        sa.Column("phone_id", Id, nullable=True),
        sa.Column("person_id", Id, nullable=True),
        sa.Column("details", sa.LargeBinary(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("created_at", Id, nullable=False),
        sa.Column("expires_at", Id, nullable=True),
        sa.Column("closed_at", Id, nullable=True),
        sa.Column("closed_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_task_person_id")),
        sa.ForeignKeyConstraint(["phone_id"], ["phone.id"], name=op.f("fk_task_phone_id")),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_task_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("key", name=op.f("uq_task_key")),
    )
    op.create_index(op.f("ix_task_expires_at"), "task", ["expires_at"], unique=False)
    op.create_index(op.f("ix_task_phone_id"), "task", ["phone_id"], unique=False)
    op.create_index("ix_task_state", "task", ["state", "created_at"], unique=False)
    op.create_table(
        "screening",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("child_id", Id, nullable=False),
        sa.Column("measured_on", sa.Date(), nullable=False),
        sa.Column("muac_mm", sa.Integer(), nullable=True),
        sa.Column("band", sa.String(length=8), nullable=False),
        sa.Column("oedema", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=12), nullable=False),
        sa.Column("recorded_at", Id, nullable=False),
        sa.ForeignKeyConstraint(["child_id"], ["child.person_id"], name=op.f("fk_screening_child_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screening")),
    )
    op.create_index(op.f("ix_screening_child_id"), "screening", ["child_id"], unique=False)
    op.add_column("conversation", sa.Column("number_idx", sa.LargeBinary(length=16), nullable=True))
    op.add_column("conversation", sa.Column("look_at", Id, nullable=True))
    op.create_index(
        "ix_conversation_look_at",
        "conversation",
        ["look_at"],
        unique=False,
        sqlite_where=sa.text("look_at IS NOT NULL"),
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_conversation_number_idx"), "conversation", ["number_idx"], unique=False)
    op.add_column("health_centre", sa.Column("vaccination_days", sa.String(length=40), nullable=True))
