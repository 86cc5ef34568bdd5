"""Staff on the console: accounts, sessions, tries at the door, what was read, lists that wait for a yes."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "staff",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("organisation_id", Id, nullable=False),
        sa.Column("login", sa.String(length=30), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("centre_id", Id, nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("password", sa.LargeBinary(), nullable=False),
        sa.Column("start_until", Id, nullable=True),
        sa.Column("totp", sa.LargeBinary(), nullable=False),
        sa.Column("totp_step", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=60), nullable=False),
        sa.Column("created_at", Id, nullable=False),
        sa.Column("last_used_at", Id, nullable=True),
        sa.Column("revoked_by", sa.String(length=60), nullable=True),
        sa.Column("revoked_at", Id, nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_staff_organisation_id")),
        sa.ForeignKeyConstraint(["centre_id"], ["health_centre.id"], name=op.f("fk_staff_centre_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("login", name=op.f("uq_staff_login")),
    )
    op.create_table(
        "staff_session",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("staff_id", Id, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("started_at", Id, nullable=False),
        sa.Column("seen_at", Id, nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_session_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_staff_session_token_hash")),
    )
    op.create_index(op.f("ix_staff_session_staff_id"), "staff_session", ["staff_id"])
    op.create_index(op.f("ix_staff_session_started_at"), "staff_session", ["started_at"])
    op.create_table(
        "staff_try",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("key_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", Id, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_try")),
    )
    op.create_index(op.f("ix_staff_try_at"), "staff_try", ["at"])
    op.create_index("ix_staff_try_key", "staff_try", ["key_hash", "at"])
    op.create_table(
        "staff_read",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("at", Id, nullable=False),
        sa.Column("staff_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("about_id", Id, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_read")),
    )
    op.create_index(op.f("ix_staff_read_at"), "staff_read", ["at"])
    op.create_index(op.f("ix_staff_read_staff_id"), "staff_read", ["staff_id"])
    op.create_table(
        "staff_list",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("session_id", Id, nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.Column("at", Id, nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["staff_session.id"], name=op.f("fk_staff_list_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_list")),
        sa.UniqueConstraint("session_id", name=op.f("uq_staff_list_session_id")),
    )
