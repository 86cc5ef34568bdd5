"""Complaints and suggestions, each followed by its number."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from service.store.columns import Instant, Sealed, id_column, metadata, reference

feedback = Table(
    "feedback",
    metadata,
    id_column(),
    Column("number", String(12), nullable=False, unique=True),
    reference("phone_id", "phone.id", nullable=True, index=True),
    Column("kind", String(12), nullable=False),  # complaint, suggestion
    Column("words", Sealed("feedback.words"), nullable=False),
    Column("answer", Sealed("feedback.answer")),
    Column("state", String(12), nullable=False),  # received, in_hand, answered
    Column("created_at", Instant, nullable=False),
    Column("state_at", Instant, nullable=False),
)
