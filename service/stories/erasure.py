"""Forgetting a phone: its rows, its people, and the households that it alone serves. The refusal of messages stays.

A family that this phone took over lately, with a child's code or because it was named, is not its own to forget: it
goes back to the phone that had it. Otherwise whoever reads a booklet could erase the child of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy.engine import Connection

from service.clock import DAY_MS
from service.runtime import Runtime
from service.store import family_changes, forgetting, handover_tables, message_tables, phone_tables
from service.store.forgetting import Home
from service.store.phone_tables import Phone
from service.store.system_tables import count
from service.stories import feedback, memberships, opt_outs

LATELY_MS = 30 * DAY_MS
"""So long somebody who lost a family's messages against her will has to notice it."""


def forget_phone(
    tx: Connection, runtime: Runtime, number: str, how: str, now: int, *, this_conversation: int | None = None
) -> int:
    """Delete all that is kept of this phone; gives how many rows went. Nothing is written to it from now on.

    A household that another phone serves too loses only the people of this one. `this_conversation` is left: whoever
    asks still has to be answered.
    """
    phone = phone_tables.find_phone(tx, number)
    number_idx = runtime.vault.index(number)
    gone = _forget_people(tx, runtime, phone, now) if phone else 0
    gone += forgetting.forget_traces(tx, number_idx, this_conversation)
    phone_tables.remove_opt_outs(tx, number_idx, (phone_tables.UNREACHABLE,))  # nobody's wish, and no reason to keep
    phone_tables.add_opt_out(tx, number_idx, opt_outs.EVERYTHING, how, now)
    count(tx, "phones_forgotten")
    count(tx, "rows_forgotten", gone)
    return gone


def _forget_people(tx: Connection, runtime: Runtime, phone: Phone, now: int) -> int:
    # Households before the phone: the planner takes its locks in this order.
    forgetting.lock_homes(tx, forgetting.homes_of(tx, phone.id))
    phone_tables.lock_phone(tx, phone.id)
    given_back = _give_back(tx, runtime, phone, now)
    homes = _homes(tx, phone.id, forgetting.homes_of(tx, phone.id))
    alone = [home.id for home in homes if home.other_phone is None and home.id not in given_back]
    leaving = sorted({*forgetting.people_of_homes(tx, alone), *forgetting.people_of_phone_alone(tx, phone.id)})
    children = forgetting.children_among(tx, alone, leaving)
    leaving = sorted({*leaving, *children})
    _take_back(tx, children, phone.id, now)
    for home in _homes(tx, phone.id, {*forgetting.homes_with_requests(tx, phone.id), *(home.id for home in homes)}):
        if home.other_phone is not None:
            forgetting.hand_over(tx, phone.id, home, leaving, memberships.task_key(""))
    keys = memberships.task_key(""), feedback.task_key("")
    return (
        forgetting.forget_messages(tx, phone.number_idx, phone.id)
        + forgetting.forget_care(tx, children, alone)
        + forgetting.forget_requests(tx, phone.id, leaving, alone, *keys)
        + forgetting.forget_people(tx, leaving)
        + forgetting.forget_homes(tx, alone, phone.id)
        + forgetting.forget_phone(tx, phone.id)
    )


def _give_back(tx: Connection, runtime: Runtime, phone: Phone, now: int) -> set[int]:
    """The families taken over lately, each behind the phone that had it again, or without a phone if none had."""
    before = handover_tables.phones_before(tx, forgetting.homes_of(tx, phone.id), now - LATELY_MS)
    others = {home: had for home, had in before.items() if had != phone.id}
    for home, had in sorted(others.items()):
        carer = family_changes.first_caregiver(tx, home)
        family_changes.prefer_phone(tx, home, had)
        if had is not None and carer is not None:
            family_changes.give_phone(tx, carer, had, runtime.today(now))
    return set(others)


def _homes(tx: Connection, phone_id: int, ids: Iterable[int]) -> list[Home]:
    return [Home(id, forgetting.other_phone_of(tx, id, phone_id)) for id in sorted(ids)]


def _take_back(tx: Connection, children: Sequence[int], phone_id: int, now: int) -> None:
    """Whatever waits to tell another phone of these children is not sent."""
    if children:
        elsewhere = forgetting.messages_elsewhere_about(tx, children, phone_id)
        message_tables.try_no_more(tx, elsewhere, now)
        message_tables.cancel(tx, elsewhere, now, "forgotten")
