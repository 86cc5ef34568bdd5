"""Requests to join a mutual, and the memberships they become when the mutual has confirmed them."""

from __future__ import annotations

from sqlalchemy import Column, Date, Integer, String, Table

from service.store.columns import Instant, Sealed, id_column, metadata, reference

membership = Table(
    "membership",
    metadata,
    id_column(),
    Column("number", String(12), nullable=False, unique=True),  # on the receipt: the request is followed by it
    reference("organisation_id", "organisation.id"),
    reference("household_id", "household.id", index=True),
    reference("person_id", "person.id"),  # who asked, with this phone
    reference("phone_id", "phone.id", index=True),
    Column("scheme", String(24), nullable=False),  # amv
    Column("package", String(24), nullable=False),
    Column("head_name", Sealed("membership.head_name")),
    Column("size", Integer, nullable=False),
    Column("monthly_fcfa", Integer),  # what was quoted; NULL when no price was confirmed by the mutual
    Column("state", String(12), nullable=False),  # requested, active, refused, ended
    Column("paid_until", Date),
    Column("requested_at", Instant, nullable=False),
    Column("state_at", Instant, nullable=False),
)
