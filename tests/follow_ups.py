"""What the stories about follow-ups have in common: a pregnancy of Darsalam, and what is kept of it."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from service.config import Config
from service.follow_up_settings import FollowUpSettings
from service.runtime import Runtime
from service.store import place_tables
from service.store.care_tables import appointment
from service.store.follow_up_tables import FollowUp, follow_up
from service.store.message_tables import message
from service.stories.care import follow_ups
from service.stories.care.follow_ups import Opened, Opening
from service.stories.homes.consents import Words

WOMAN = "+22376000001"
BY = "sage-femme"
TODAY = date(2026, 11, 20)


def with_follow_ups(settings: Config, **changes: object) -> Config:
    """The same settings, the dates of contacts confirmed."""
    confirmed = FollowUpSettings.model_validate({"confirmed_by": "Dr Traore", **changes})
    return settings.model_copy(update={"follow_ups": confirmed})


def pregnant(
    runtime: Runtime,
    *,
    week: int = 19,
    seen_on: date = TODAY,
    number: str = WOMAN,
    quartier: str = "Darsalam",
    give_or_take: int = 0,
    another: bool = False,
    name: str | None = None,
) -> Opened:
    """A woman of Darsalam in her nineteenth full week: the contact of week 20 comes in a week."""
    with runtime.database.begin() as tx:
        zone_id = next(id for id, named in place_tables.zones(tx) if named == quartier)
        told = Opening(
            number=number,
            zone_id=zone_id,
            week=week,
            seen_on=seen_on,
            consent=Words("test", "fr", "told"),
            by=BY,
            give_or_take_weeks=give_or_take,
            another=another,
            name=name,
        )
        return follow_ups.open_pregnancy(tx, runtime, told, runtime.now())


def digits(code: str) -> str:
    return code.replace(" ", "")


def visit(runtime: Runtime, code: str, on: date) -> Opened:
    with runtime.database.begin() as tx:
        one = follow_ups.find(tx, digits(code))
        return follow_ups.contact_done(tx, runtime, one, on, BY, runtime.now())


def born(runtime: Runtime, code: str, on: date, alive: int = 1) -> follow_ups.Born:
    with runtime.database.begin() as tx:
        one = follow_ups.find(tx, digits(code))
        return follow_ups.birth(tx, runtime, one, on, alive, BY, runtime.now())


def lost(runtime: Runtime, code: str, on: date, child: str | None = None) -> None:
    with runtime.database.begin() as tx:
        one = follow_ups.find(tx, digits(code))
        follow_ups.loss(tx, runtime, one, on, runtime.now(), by=BY, child_code=child)


def ended(runtime: Runtime, code: str, why: str, on: date) -> None:
    with runtime.database.begin() as tx:
        follow_ups.end(tx, runtime, follow_ups.find(tx, digits(code)), why, on, BY, runtime.now())


def kept(runtime: Runtime, state: str = "open") -> list[FollowUp]:
    with runtime.database.read() as tx:
        columns = [follow_up.c[name] for name in FollowUp._fields]
        rows = tx.execute(select(*columns).where(follow_up.c.state == state).order_by(follow_up.c.opened_at))
        return [FollowUp._make(row) for row in rows]


def planned(runtime: Runtime) -> dict[str, str]:
    """contact -> day of the open appointments of follow-ups."""
    with runtime.database.read() as tx:
        a = appointment.c
        rows = tx.execute(
            select(a.doses, a.anchor_on)
            .where(a.state == "open", a.follow_up_id.is_not(None))
            .order_by(a.anchor_on, a.doses)
        )
        return {row.doses: f"{row.anchor_on:%m-%d}" for row in rows}


def queued(runtime: Runtime) -> list[Any]:
    with runtime.database.read() as tx:
        return list(tx.execute(select(message).where(message.c.state == "queued").order_by(message.c.key)))
