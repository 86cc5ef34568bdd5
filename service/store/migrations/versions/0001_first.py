"""The first schema: people, care, conversations, what came in, what goes out."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# The migration's own copy: a later change of the tables' column kinds must not change what this one made.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "conversation",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("session_idx", sa.LargeBinary(length=16), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("flow_hash", sa.String(length=64), nullable=False),
        sa.Column("progress", sa.LargeBinary(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("started_at", Id, nullable=False),
        sa.Column("updated_at", Id, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation")),
        sa.UniqueConstraint("key", name=op.f("uq_conversation_key")),
    )
    op.create_index(op.f("ix_conversation_session_idx"), "conversation", ["session_idx"], unique=False)
    op.create_index(op.f("ix_conversation_started_at"), "conversation", ["started_at"], unique=False)
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "flow_version",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("flow", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", Id, nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_flow_version")),
    )
    op.create_table(
        "health_centre",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_health_centre")),
        sa.UniqueConstraint("code", name=op.f("uq_health_centre_code")),
    )
    op.create_table(
        "inbound_body",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("key_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("number_idx", sa.LargeBinary(length=16), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", Id, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_body")),
    )
    op.create_index(op.f("ix_inbound_body_at"), "inbound_body", ["at"], unique=False)
    op.create_index(op.f("ix_inbound_body_number_idx"), "inbound_body", ["number_idx"], unique=False)
    op.create_table(
        "inbound_event",
        sa.Column("key_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("at", Id, nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_inbound_event")),
    )
    op.create_index(op.f("ix_inbound_event_at"), "inbound_event", ["at"], unique=False)
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=60), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("until", Id, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "marker",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_marker")),
    )
    op.create_table(
        "opt_out",
        sa.Column("number_idx", sa.LargeBinary(length=16), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("index_version", sa.Integer(), nullable=False),
        sa.Column("how", sa.String(length=20), nullable=False),
        sa.Column("at", Id, nullable=False),
        sa.PrimaryKeyConstraint("number_idx", "purpose", name=op.f("pk_opt_out")),
    )
    op.create_table(
        "organisation",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("code", name=op.f("uq_organisation_code")),
    )
    op.create_table(
        "phone",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.Column("number_idx", sa.LargeBinary(length=16), nullable=False),
        sa.Column("index_version", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("created_at", Id, nullable=False),
        sa.Column("last_heard_at", Id, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone")),
        sa.UniqueConstraint("number_idx", name=op.f("uq_phone_number_idx")),
    )
    op.create_table(
        "unmatched_receipt",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("carrier_id", sa.String(length=100), nullable=False),
        sa.Column("number_idx", sa.LargeBinary(length=16), nullable=True),
        sa.Column("message_id", Id, nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at", Id, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unmatched_receipt")),
    )
    op.create_index(op.f("ix_unmatched_receipt_at"), "unmatched_receipt", ["at"], unique=False)
    op.create_index(op.f("ix_unmatched_receipt_carrier_id"), "unmatched_receipt", ["carrier_id"], unique=False)
    op.create_table(
        "household",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("organisation_id", Id, nullable=False),
        sa.Column("preferred_phone_id", Id, nullable=True),
        sa.Column("created_at", Id, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_household_organisation_id")),
        sa.ForeignKeyConstraint(["preferred_phone_id"], ["phone.id"], name=op.f("fk_household_preferred_phone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household")),
    )
    op.create_index(op.f("ix_household_preferred_phone_id"), "household", ["preferred_phone_id"], unique=False)
    op.create_table(
        "programme",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("organisation_id", Id, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_programme_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme")),
        sa.UniqueConstraint("code", name=op.f("uq_programme_code")),
    )
    op.create_table(
        "zone",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=False),
        sa.Column("centre_id", Id, nullable=True),
        sa.ForeignKeyConstraint(["centre_id"], ["health_centre.id"], name=op.f("fk_zone_centre_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone")),
        sa.UniqueConstraint("code", name=op.f("uq_zone_code")),
    )
    op.create_table(
        "message",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("organisation_id", Id, nullable=True),
        sa.Column("programme_id", Id, nullable=True),
        sa.Column("campaign_id", Id, nullable=True),
        sa.Column("phone_id", Id, nullable=False),
        sa.Column("number_idx", sa.LargeBinary(length=16), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("class", sa.String(length=12), nullable=False),
        sa.Column("hours", sa.String(length=4), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=True),
        sa.Column("sender", sa.String(length=20), nullable=True),
        sa.Column("encoding", sa.String(length=8), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("cost", sa.String(length=20), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("resends", sa.Integer(), nullable=False),
        sa.Column("lease_until", Id, nullable=True),
        sa.Column("not_before", Id, nullable=False),
        sa.Column("useful_until", Id, nullable=False),
        sa.Column("carrier_id", sa.String(length=100), nullable=True),
        sa.Column("created_at", Id, nullable=False),
        sa.Column("state_at", Id, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_message_organisation_id")),
        sa.ForeignKeyConstraint(["phone_id"], ["phone.id"], name=op.f("fk_message_phone_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_message_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("key", name=op.f("uq_message_key")),
    )
    op.create_index("ix_message_carrier", "message", ["channel", "carrier_id"], unique=False)
    op.create_index(
        "ix_message_due",
        "message",
        [sa.literal_column("priority DESC"), "not_before"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index("ix_message_number", "message", ["number_idx", "state"], unique=False)
    op.create_index(
        "ix_message_open",
        "message",
        ["state", "state_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('sending', 'unknown', 'accepted')"),
        postgresql_where=sa.text("state IN ('sending', 'unknown', 'accepted')"),
    )
    op.create_index(op.f("ix_message_phone_id"), "message", ["phone_id"], unique=False)
    op.create_table(
        "person",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("organisation_id", Id, nullable=False),
        sa.Column("household_id", Id, nullable=True),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("sex", sa.String(length=1), nullable=True),
        sa.Column("born_on", sa.Date(), nullable=True),
        sa.Column("created_at", Id, nullable=False),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_person_household_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_person_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_index(op.f("ix_person_household_id"), "person", ["household_id"], unique=False)
    op.create_table(
        "child",
        sa.Column("person_id", Id, autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("organisation_id", Id, nullable=False),
        sa.Column("programme_id", Id, nullable=False),
        sa.Column("household_id", Id, nullable=False),
        sa.Column("zone_id", Id, nullable=True),
        sa.Column("centre_id", Id, nullable=True),
        sa.Column("calendar", sa.String(length=40), nullable=False),
        sa.Column("calendar_version", sa.String(length=20), nullable=False),
        sa.Column("profile", sa.String(length=40), nullable=False),
        sa.Column("birth_precision", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("enrolled_on", sa.Date(), nullable=False),
        sa.Column("enrolled_at", Id, nullable=False),
        sa.Column("stopped_at", Id, nullable=True),
        sa.ForeignKeyConstraint(["centre_id"], ["health_centre.id"], name=op.f("fk_child_centre_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_child_household_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_child_organisation_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_child_person_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_child_programme_id")),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_child_zone_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_child")),
        sa.UniqueConstraint("code", name=op.f("uq_child_code")),
    )
    op.create_index("ix_child_followed", "child", ["status", "person_id"], unique=False)
    op.create_index(op.f("ix_child_household_id"), "child", ["household_id"], unique=False)
    op.create_table(
        "consent",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("programme_id", Id, nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("wording", sa.String(length=10), nullable=False),
        sa.Column("words_version", sa.String(length=120), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("how", sa.String(length=20), nullable=False),
        sa.Column("recorded_by", sa.String(length=60), nullable=False),
        sa.Column("at", Id, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_consent_person_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_consent_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index(op.f("ix_consent_person_id"), "consent", ["person_id"], unique=False)
    op.create_table(
        "person_phone",
        sa.Column("person_id", Id, nullable=False),
        sa.Column("phone_id", Id, nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_person_phone_person_id")),
        sa.ForeignKeyConstraint(["phone_id"], ["phone.id"], name=op.f("fk_person_phone_phone_id")),
        sa.PrimaryKeyConstraint("person_id", "phone_id", name=op.f("pk_person_phone")),
    )
    op.create_index(op.f("ix_person_phone_phone_id"), "person_phone", ["phone_id"], unique=False)
    op.create_table(
        "send_attempt",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("message_id", Id, nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("at", Id, nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_send_attempt_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_send_attempt")),
    )
    op.create_index(op.f("ix_send_attempt_message_id"), "send_attempt", ["message_id"], unique=False)
    op.create_table(
        "appointment",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("organisation_id", Id, nullable=False),
        sa.Column("programme_id", Id, nullable=False),
        sa.Column("child_id", Id, nullable=False),
        sa.Column("household_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("doses", sa.String(length=120), nullable=False),
        sa.Column("anchor_on", sa.Date(), nullable=False),
        sa.Column("lapses_on", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("last_step", sa.String(length=8), nullable=True),
        sa.Column("next_step", sa.String(length=8), nullable=True),
        sa.Column("next_step_on", sa.Date(), nullable=True),
        sa.Column("created_at", Id, nullable=False),
        sa.Column("updated_at", Id, nullable=False),
        sa.ForeignKeyConstraint(["child_id"], ["child.person_id"], name=op.f("fk_appointment_child_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_appointment_household_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_appointment_organisation_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_appointment_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
    )
    op.create_index("ix_appointment_child", "appointment", ["child_id", "state"], unique=False)
    op.create_index("ix_appointment_household", "appointment", ["household_id", "state"], unique=False)
    op.create_index(
        "ix_appointment_next_step",
        "appointment",
        ["next_step_on", "household_id"],
        unique=False,
        sqlite_where=sa.text("next_step_on IS NOT NULL"),
        postgresql_where=sa.text("next_step_on IS NOT NULL"),
    )
    op.create_table(
        "caregiver",
        sa.Column("child_id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["child_id"], ["child.person_id"], name=op.f("fk_caregiver_child_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_caregiver_person_id")),
        sa.PrimaryKeyConstraint("child_id", "person_id", name=op.f("pk_caregiver")),
    )
    op.create_index(op.f("ix_caregiver_person_id"), "caregiver", ["person_id"], unique=False)
    op.create_table(
        "dose",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("child_id", Id, nullable=False),
        sa.Column("antigen", sa.String(length=12), nullable=False),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column("source", sa.String(length=12), nullable=False),
        sa.Column("date_quality", sa.String(length=8), nullable=False),
        sa.Column("recorded_by", sa.String(length=60), nullable=False),
        sa.Column("recorded_at", Id, nullable=False),
        sa.Column("voided_by", sa.String(length=60), nullable=True),
        sa.Column("voided_at", Id, nullable=True),
        sa.ForeignKeyConstraint(["child_id"], ["child.person_id"], name=op.f("fk_dose_child_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dose")),
    )
    op.create_index(
        "uq_dose_standing",
        "dose",
        ["child_id", "antigen", "given_on"],
        unique=True,
        sqlite_where=sa.text("voided_at IS NULL"),
        postgresql_where=sa.text("voided_at IS NULL"),
    )
    op.create_table(
        "message_appointment",
        sa.Column("message_id", Id, nullable=False),
        sa.Column("appointment_id", Id, nullable=False),
        sa.Column("step", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment_id"], ["appointment.id"], name=op.f("fk_message_appointment_appointment_id")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_message_appointment_message_id")),
        sa.PrimaryKeyConstraint("message_id", "appointment_id", "step", name=op.f("pk_message_appointment")),
        sa.UniqueConstraint("appointment_id", "step", name=op.f("uq_message_appointment_appointment_id_step")),
    )
