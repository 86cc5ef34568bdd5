"""Every set of conversations that was published, in order. Rows never change but for their approval."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table, Text

from service.store.columns import Instant, metadata

flow_release = Table(
    "flow_release",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    Column("body", Text, nullable=False),  # the sources, as JSON by file name
    Column("note", String(200), nullable=False),
    Column("published_by", String(60), nullable=False),
    Column("published_at", Instant, nullable=False),
    # Where a second person is asked, callers hear a release from its approval on.
    Column("approved_by", String(60)),
    Column("approved_at", Instant),
)
