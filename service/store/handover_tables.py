"""A family's messages on their way to another phone, and how often somebody tried a code that was not theirs."""

from __future__ import annotations

from sqlalchemy import Column, Date, Integer, LargeBinary, PrimaryKeyConstraint, String, Table

from service.store.columns import Instant, id_column, metadata, reference

handover = Table(
    "handover",
    metadata,
    id_column(),
    reference("household_id", "household.id", index=True),
    reference("old_phone_id", "phone.id", nullable=True),
    reference("new_phone_id", "phone.id", index=True),
    Column("state", String(12), nullable=False),  # announced, accepted, refused
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

# By blind index and day: a row here says nothing of who it was.
attempt = Table(
    "attempt",
    metadata,
    Column("number_idx", LargeBinary(16), nullable=False),
    Column("kind", String(20), nullable=False),  # child_code
    Column("day", Date, nullable=False, index=True),
    Column("times", Integer, nullable=False),
    PrimaryKeyConstraint("number_idx", "kind", "day"),
)
