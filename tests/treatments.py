"""What the stories about malnourished children have in common: a child of Darsalam, taken in and measured."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from service.runtime import Runtime
from service.store.care_tables import NUTRITION, appointment
from service.store.treatment_tables import treatment
from service.stories.care import treatments
from service.stories.care.treatments import Answer, Refused, Seen
from service.stories.homes.consents import Words
from service.stories.homes.families import Enrolled
from tests.people import Days

BY = "infirmière"
YES = Words("test", "fr", "told")
ADMITTED = date(2026, 11, 20)  # the day on which every story begins
FIRST_VISIT = date(2026, 11, 27)


def taken_in(runtime: Runtime, child: Enrolled, *, mm: int = 112, on: date = ADMITTED, **told: Any) -> Answer:
    with runtime.database.begin() as tx:
        found, seen = treatments.find(tx, child.code), Seen(on, mm, **told)
        return treatments.open_treatment(tx, runtime, found, seen, YES, BY, runtime.now())


def measured(runtime: Runtime, child: Enrolled, mm: int, on: date, *, by: str = BY, **told: Any) -> Answer:
    with runtime.database.begin() as tx:
        found = treatments.find(tx, child.code)
        return treatments.record_visit(tx, runtime, found, Seen(on, mm, **told), by, runtime.now())


def closed(runtime: Runtime, child: Enrolled, why: str) -> None:
    with runtime.database.begin() as tx:
        treatments.end(tx, runtime, treatments.find(tx, child.code), why, BY, runtime.now())


def asked_for(runtime: Runtime) -> list[tuple[str, str]]:
    """(visit, day) of the weekly visits that are asked for."""
    a = appointment.c
    with runtime.database.read() as tx:
        rows = tx.execute(select(a.doses, a.anchor_on).where(a.kind == NUTRITION, a.state == "open"))
        return [(row.doses, f"{row.anchor_on:%m-%d}") for row in rows]


def how_ended(runtime: Runtime) -> list[str | None]:
    """Why each treatment ended, None while it is open; the oldest first."""
    with runtime.database.read() as tx:
        return list(tx.execute(select(treatment.c.ended_why).order_by(treatment.c.opened_at)).scalars())


def live(days: Days, *dates: str) -> list[tuple[str, str]]:
    """These days alone, with the worker's rounds in them."""
    sent = []
    for one in dates:
        days.clock.set(f"{one}T00:01")
        sent += days.until(one)
    return sent


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(Refused) as found:
        act()
    return found.value.reason
