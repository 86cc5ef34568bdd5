"""Somebody guesses at the console: an alarm for whoever runs the server, and for those whose account it is."""

from __future__ import annotations

from typing import Literal

from sqlalchemy.engine import Connection

from service.clock import DAY_MS
from service.logs import log
from service.store import alarm_tables, system_tables
from service.store.alarm_tables import Alarm
from service.store.staff_tables import Staff

Kind = Literal["door", "code", "former", "search", "address"]
"""Passwords at the door; codes by whoever has the password; the password at a page found open; children's codes by
somebody who is in; many accounts from one address."""
HOUR_MS = 3_600_000
TOLD_DAYS = 7
"""For so long an alarm is told."""


def sound(tx: Connection, kind: Kind, one: Staff | None, now: int) -> None:
    """Once an hour for each account and kind; the log and the counter do not say whose."""
    if alarm_tables.note_alarm(tx, kind, one.id if one else None, now, now - HOUR_MS):
        system_tables.count(tx, "console_guesses")
        log.warning("console_guesses", kind=kind)


def lately(tx: Connection, now: int) -> list[Alarm]:
    return alarm_tables.alarms(tx, now - TOLD_DAYS * DAY_MS)


def told_to(tx: Connection, one: Staff, now: int) -> list[Alarm]:
    """A supervisor hears of every account of the organisation, others of their own; who searches is the former's."""
    found = alarm_tables.alarms(tx, now - TOLD_DAYS * DAY_MS, one.organisation_id)
    if one.role == "supervisor":
        return found
    return [each for each in found if each.login == one.login and each.kind != "search"]
