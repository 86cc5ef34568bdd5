"""Counts and kinds of what is kept about a phone: what its holder may be told on a shared screen."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.engine import Connection

from service.store.feedback_tables import feedback
from service.store.mutual_tables import membership
from service.store.task_tables import task


def request_numbers(tx: Connection, phone_id: int, visit_kind: str) -> list[str]:
    """The numbers of the phone's requests, opinions and visits asked for, the newest first."""
    asked = select(membership.c.number, membership.c.requested_at).where(membership.c.phone_id == phone_id)
    wrote = select(feedback.c.number, feedback.c.created_at).where(feedback.c.phone_id == phone_id)
    visits = select(task.c.key, task.c.created_at).where(task.c.phone_id == phone_id, task.c.kind == visit_kind)
    found = [(at, name.rpartition(":")[2]) for question in (asked, wrote, visits) for name, at in tx.execute(question)]
    return [number for _, number in sorted(found, reverse=True)]
