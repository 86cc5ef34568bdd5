"""Delivery: routes and their health, money, hours, operators, receipts in batches, and counts that outlive people."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "route",
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("scope", sa.String(length=10), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("by", sa.String(length=60), nullable=True),
        sa.Column("since", Id, nullable=False),
        sa.Column("until", Id, nullable=True),
        sa.Column("pauses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=True),
        sa.Column("filled_at", Id, nullable=True),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_route")),
    )
    op.create_table(
        "route_health",
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("network", sa.String(length=12), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("changed_at", Id, nullable=False),
        sa.Column("looked_at", Id, nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("undelivered", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.Column("delay_ms", sa.Integer(), nullable=True),
        sa.Column("resting", sa.Integer(), nullable=False),
        sa.Column("trial", sa.Boolean(), nullable=False),
        sa.Column("falls", sa.Integer(), nullable=False),
        sa.Column("fell_at", Id, nullable=True),
        sa.Column("usual_failed", sa.Float(), nullable=False),
        sa.Column("usual_undelivered", sa.Float(), nullable=False),
        sa.Column("usual_silent", sa.Float(), nullable=False),
        sa.Column("usual_delay_ms", sa.Integer(), nullable=False),
        sa.Column("usual_weight", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "network", name=op.f("pk_route_health")),
    )
    op.create_table(
        "route_sample",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("network", sa.String(length=12), nullable=False),
        sa.Column("at", Id, nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("undelivered", sa.Integer(), nullable=False),
        sa.Column("delay_ms", sa.BigInteger(), nullable=False),
        sa.Column("delays", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_route_sample")),
    )
    op.create_index(op.f("ix_route_sample_at"), "route_sample", ["at"], unique=False)
    op.create_table(
        "spend",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("warned_at", Id, nullable=True),
        sa.Column("stopped_at", Id, nullable=True),
        sa.PrimaryKeyConstraint("day", "account", name=op.f("pk_spend")),
    )
    op.create_table(
        "decision",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("at", Id, nullable=False),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("message_id", Id, nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
    )
    op.create_index(op.f("ix_decision_at"), "decision", ["at"], unique=False)
    op.create_index(op.f("ix_decision_message_id"), "decision", ["message_id"], unique=False)
    op.create_table(
        "spend_change",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spend_change")),
    )
    op.create_index(op.f("ix_spend_change_account"), "spend_change", ["account"], unique=False)
    op.add_column("message", sa.Column("network", sa.String(length=12), nullable=True))
    op.add_column("message", sa.Column("batch_key", sa.LargeBinary(length=16), nullable=True))
    op.add_column("message", sa.Column("cost_estimated", sa.Integer(), nullable=True))
    op.add_column("message", sa.Column("cost_true", sa.Integer(), nullable=True))
    # SQLite changes no column's length, and making the table anew would drop what refers to it.
    op.add_column("message", sa.Column("open_hours", sa.String(length=60), server_default="day", nullable=False))
    op.execute(sa.text("UPDATE message SET open_hours = hours"))
    op.drop_column("message", "hours")
    op.create_index(
        "ix_message_batch",
        "message",
        ["batch_key", "not_before"],
        unique=False,
        sqlite_where=sa.text("state = 'queued' AND batch_key IS NOT NULL"),
        postgresql_where=sa.text("state = 'queued' AND batch_key IS NOT NULL"),
    )
    op.add_column("phone", sa.Column("network", sa.String(length=12), nullable=True))
    op.add_column("phone", sa.Column("failed_days", sa.Integer(), server_default="0", nullable=False))
    op.add_column("phone", sa.Column("failed_on", sa.Date(), nullable=True))
    op.add_column("message", sa.Column("asked", sa.Integer(), server_default="0", nullable=False))
    op.add_column("unmatched_receipt", sa.Column("network", sa.String(length=12), nullable=True))
    op.add_column("unmatched_receipt", sa.Column("fault", sa.String(length=10), nullable=True))
    op.add_column("unmatched_receipt", sa.Column("looked_at", Id, nullable=True))
    # What has just come is written and deleted within seconds: it stands in one index; what waits stands in three.
    op.drop_index("ix_unmatched_receipt_at", table_name="unmatched_receipt")
    op.drop_index("ix_unmatched_receipt_carrier_id", table_name="unmatched_receipt")
    new, waiting = sa.text("looked_at IS NULL"), sa.text("looked_at IS NOT NULL")
    for name, column, which in (
        ("ix_unmatched_receipt_new", "at", new),
        ("ix_unmatched_receipt_carrier", "carrier_id", waiting),
        ("ix_unmatched_receipt_number", "number_idx", waiting),
        ("ix_unmatched_receipt_waiting", "looked_at", waiting),
    ):
        op.create_index(name, "unmatched_receipt", [column], sqlite_where=which, postgresql_where=which)
    _counts_that_outlive_people()


def _counts_that_outlive_people() -> None:
    op.create_table(
        "care_tally",
        sa.Column("programme_id", Id, nullable=False),
        sa.Column("centre_id", Id, nullable=False),
        sa.Column("born_in", sa.Integer(), nullable=False),
        sa.Column("measure", sa.String(length=40), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "centre_id", "born_in", "measure", name=op.f("pk_care_tally")),
    )
    op.create_table(
        "message_tally",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("programme_id", Id, nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("class", sa.String(length=12), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("network", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.BigInteger(), nullable=False),
        sa.Column("cost_estimated", sa.BigInteger(), nullable=False),
        sa.Column("cost_true", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "programme_id", "purpose", "class", "channel", "network", "state", name=op.f("pk_message_tally")
        ),
    )
    op.create_table(
        "erasure",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("at", Id, nullable=False),
        sa.Column("done_by", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
    )
    # What is old is found by its day; and nobody is deleted while every row of another table is read for it.
    op.create_index(op.f("ix_message_created_at"), "message", ["created_at"], unique=False)
    op.create_index(op.f("ix_dose_child_id"), "dose", ["child_id"], unique=False)
    op.create_index(op.f("ix_task_person_id"), "task", ["person_id"], unique=False)
    op.create_index(op.f("ix_membership_person_id"), "membership", ["person_id"], unique=False)
    op.create_index(op.f("ix_handover_old_phone_id"), "handover", ["old_phone_id"], unique=False)
