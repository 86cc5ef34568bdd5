"""Forgetting a phone: its rows, its people, and the households that it alone serves. The refusal of messages stays,
and counts in which nobody can be found.

A family that this phone took over lately, with a child's code or because it was named, is not its own to forget: it
goes back to the phone that had it. Otherwise whoever reads a booklet could erase the child of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy.engine import Connection

from service.clock import DAY_MS
from service.logs import log, scrub
from service.runtime import Runtime
from service.store import (
    family_changes,
    forgetting,
    handover_tables,
    message_tables,
    people_tables,
    phone_tables,
    tally_tables,
    treatment_tables,
)
from service.store.forgetting import Gone, Home
from service.store.phone_tables import Phone
from service.store.system_tables import count
from service.stories.homes import families, memberships
from service.stories.keeping import tallies
from service.stories.talk import feedback, opt_outs

PAGE = 500
LATELY_MS = 30 * DAY_MS
"""So long somebody who lost a family's messages against her will has to notice it."""


class NamesSomebody(Exception):
    """The reason holds what may be a telephone number: it would be kept when the person is not."""


def forget_phone(
    tx: Connection, runtime: Runtime, number: str, how: str, now: int, *, this_conversation: int | None = None
) -> Gone:
    """Delete all that is kept of this phone; gives how many rows went. Nothing is written to it from now on.

    A household that another phone serves too loses only the people of this one. `this_conversation` is left: whoever
    asks still has to be answered.
    """
    phone = phone_tables.find_phone(tx, number)
    indexes = runtime.vault.indexes(number)
    gone = _forget_people(tx, runtime, phone, indexes, now) if phone else Gone()
    gone += forgetting.forget_traces(tx, indexes, this_conversation)
    # Under the key that writes: afterwards nobody knows the number, and no rotation could make its index anew.
    phone_tables.remove_opt_outs(tx, indexes[1:])
    phone_tables.remove_opt_outs(tx, indexes, (phone_tables.UNREACHABLE,))  # nobody's wish, and no reason to keep
    phone_tables.add_opt_out(tx, indexes[0], opt_outs.EVERYTHING, how, now)
    count(tx, "phones_forgotten")
    count(tx, "rows_forgotten", gone.total())
    return gone


def forget_on_request(runtime: Runtime, number: str, by: str, reason: str, now: int) -> Gone:
    """Forget this phone because somebody asked us to; that it was done stays, without a name. Raises NamesSomebody."""
    if scrub(reason) != reason:
        raise NamesSomebody
    with runtime.database.begin() as tx:
        gone = forget_phone(tx, runtime, number, "request", now)
        tally_tables.add_erasure(tx, done_by=by, reason=reason, gone=gone.total(), at=now)
    log.info("person_erased", rows=gone.total())
    return gone


class _Rehearsed(Exception):
    """Ends a transaction that must change nothing."""


def rehearse(runtime: Runtime, number: str, now: int) -> Gone:
    """How many rows `forget_phone` would delete, by table; changes nothing."""
    try:
        with runtime.database.begin() as tx:
            gone = forget_phone(tx, runtime, number, "request", now)
            raise _Rehearsed
    except _Rehearsed:
        return gone


def forget_children(tx: Connection, runtime: Runtime, children: Sequence[int], now: int) -> int:
    """Delete these children and all that is kept of their care; nothing more is said about them. Gives how many."""
    there = [child_id for child_id in children if people_tables.find_child(tx, id=child_id)]
    for child_id in there:
        families.stop_child(tx, runtime, child_id, now)
    return _forget_care(tx, runtime, there, (), now)["child"]


def _forget_care(tx: Connection, runtime: Runtime, children: Sequence[int], homes: Sequence[int], now: int) -> Gone:
    tallies.count_children(tx, runtime, children, now)
    tallies.count_treatments(tx, treatment_tables.of_children(tx, children))
    return forgetting.forget_care(tx, children, homes) + forgetting.forget_people(tx, children)


def forget_follow_ups(tx: Connection, runtime: Runtime, ids: Sequence[int], now: int) -> int:
    """Delete these follow-ups and all that is kept of them; they stay in the counts of their months. Gives how many."""
    tallies.count_follow_ups(tx, runtime, ids, now)
    return forgetting.forget_follow_ups(tx, ids)["follow_up"]


def forget_treatments(tx: Connection, ids: Sequence[int]) -> int:
    """Delete these treatments and all that is kept of them; they stay in the counts of their months. Gives how many."""
    tallies.count_treatments(tx, ids)
    return forgetting.forget_treatments(tx, ids)["treatment"]


def forget_memberships(tx: Connection, ids: Sequence[int]) -> int:
    """Delete these requests to a mutual and all that is kept of them; gives how many."""
    return forgetting.forget_memberships(tx, ids)["membership"]


def forget_messages(tx: Connection, runtime: Runtime, ids: Sequence[int]) -> Gone:
    """Delete these messages; they stay in the counts of their days."""
    gone = Gone()
    for page in (ids[start : start + PAGE] for start in range(0, len(ids), PAGE)):
        tallies.count_messages(tx, runtime, page)
        gone += forgetting.forget_messages(tx, page)
    return gone


def _forget_people(tx: Connection, runtime: Runtime, phone: Phone, indexes: Sequence[bytes], now: int) -> Gone:
    # Households before the phone: the planner takes its locks in this order.
    forgetting.lock_homes(tx, forgetting.homes_of(tx, phone.id))
    phone_tables.lock_phone(tx, phone.id)
    given_back = _give_back(tx, runtime, phone, now)
    homes = _homes(tx, phone.id, forgetting.homes_of(tx, phone.id))
    alone = [home.id for home in homes if home.other_phone is None and home.id not in given_back]
    leaving = sorted({*forgetting.people_of_homes(tx, alone), *forgetting.people_of_phone_alone(tx, phone.id)})
    children = forgetting.children_among(tx, alone, leaving)
    leaving = sorted({*leaving, *children})
    follow_ups = sorted(
        {*forgetting.follow_ups_of(tx, leaving, alone), *forgetting.follow_ups_left_behind(tx, phone.id)}
    )
    _take_back(tx, children, follow_ups, phone.id, now)
    for home in _homes(tx, phone.id, {*forgetting.homes_with_requests(tx, phone.id), *(home.id for home in homes)}):
        if home.other_phone is not None:
            forgetting.hand_over(tx, phone.id, home, leaving, memberships.task_key(""))
    keys = memberships.task_key(""), feedback.task_key("")
    tallies.count_follow_ups(tx, runtime, follow_ups, now)
    return (
        forget_messages(tx, runtime, forgetting.messages_to(tx, indexes, phone.id))
        + forgetting.forget_requests(tx, phone.id, leaving, alone, *keys)
        + forgetting.forget_follow_ups(tx, follow_ups)
        + _forget_care(tx, runtime, children, alone, now)
        + forgetting.forget_people(tx, leaving)
        + forgetting.forget_mediators(tx, phone.id)
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


def _take_back(tx: Connection, children: Sequence[int], follow_ups: Sequence[int], phone_id: int, now: int) -> None:
    """Whatever waits to tell another phone of these children and follow-ups is not sent."""
    if children or follow_ups:
        elsewhere = forgetting.messages_elsewhere_about(tx, children, follow_ups, phone_id)
        message_tables.try_no_more(tx, elsewhere, now)
        message_tables.cancel(tx, elsewhere, now, "forgotten")
