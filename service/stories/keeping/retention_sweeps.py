"""How each rule of retention finds what is old, and what it does with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from service.domain import retention_rules
from service.domain.retention_rules import Rule
from service.runtime import Runtime
from service.store import expiry, staff_tables, treatment_tables
from service.store.expiry import Aged, Place
from service.store.follow_up_tables import follow_up
from service.store.mutual_tables import membership
from service.store.people_tables import household, person
from service.store.phone_tables import opt_out, phone
from service.store.system_tables import mark, read_mark
from service.store.treatment_tables import treatment
from service.stories.keeping import erasure
from service.stories.keeping.paged_work import Page, walked

EMPTIED_TO = "retention_emptied_to"
"""Mark: messages queued before this moment have no words any more, so that no night reads them all again."""

NO_MESSAGE = 0


class Night(NamedTuple):
    """What a sweep is told: which rule, as of when."""

    runtime: Runtime
    rule: Rule
    now: int

    @property
    def before(self) -> int:
        """What is older may go."""
        return self.now - self.rule.kept_ms

    @property
    def before_day(self) -> date:
        return self.runtime.today(self.before)


@dataclass(frozen=True, slots=True)
class Sweep:
    """`find` reads the next page from a place on, `act` deletes it and gives how many rows; `most` keys at once."""

    find: Callable[[Connection, Night, Any, int], Page]
    act: Callable[[Connection, Night, Sequence[Any]], int]
    count: Callable[[Connection, Night], int]
    begins_at: Callable[[Night], Any] = lambda _: 0
    most: int = 500


# --- by age -------------------------------------------------------------------------------------------------


def _aged(aged: Aged, *, by_day: bool = False) -> Sweep:
    """Rows that are deleted by their age alone: what was found is gone at the next look."""

    def before(night: Night) -> int | date:
        return night.before_day if by_day else night.before

    def find(tx: Connection, night: Night, place: int, limit: int) -> Page:
        keys = expiry.old_keys(tx, aged, before(night), limit)
        return Page(keys, place if len(keys) == limit else None)

    def act(tx: Connection, night: Night, keys: Sequence[Any]) -> int:
        return expiry.delete_old(tx, aged, before(night), keys)

    return Sweep(find, act, lambda tx, night: expiry.count_old(tx, aged, before(night)))


def _aged_by(aged: Aged, act: Callable[[Connection, Night, Sequence[Any]], int]) -> Sweep:
    """The same for rows that others stand on: `act` deletes them together."""
    return replace(_aged(aged), act=act)


# --- messages -----------------------------------------------------------------------------------------------


def _emptied_to(night: Night) -> list[int]:
    with night.runtime.database.read() as tx:
        return [int(read_mark(tx, EMPTIED_TO) or 0), 0]


def _find_words(tx: Connection, night: Night, place: Sequence[int], limit: int) -> Page:
    found = expiry.worded(tx, Place(*place), night.before, limit)
    if len(found) == limit:
        return Page(found, list(found[-1]))
    still_open = expiry.oldest_open(tx)
    reached = night.before if still_open is None else min(night.before, still_open)
    return Page([*found, Place(reached, NO_MESSAGE)], None)


def _empty(tx: Connection, night: Night, found: Sequence[Place]) -> int:
    """The last page tells how far we came: no message with words, or that may still change, lies before."""
    if found[-1].id == NO_MESSAGE:
        mark(tx, EMPTIED_TO, str(found[-1].created_at))
    return expiry.empty_messages(tx, [one.id for one in found])


def _count_words(tx: Connection, night: Night) -> int:
    return expiry.count_worded(tx, Place(int(read_mark(tx, EMPTIED_TO) or 0), 0), night.before)


def _find_messages(tx: Connection, night: Night, place: int, limit: int) -> Page:
    keys = expiry.old_messages(tx, night.before, limit)
    return Page(keys, place if len(keys) == limit else None)


# --- children -----------------------------------------------------------------------------------------------


def _find_grown(tx: Connection, night: Night, after: int, limit: int) -> Page:
    day = retention_rules.born_by(night.runtime.today(night.now))
    return walked(expiry.children_born_by(tx, day, after, limit), limit)


def _find_stopped(tx: Connection, night: Night, after: int, limit: int) -> Page:
    return walked(expiry.children_stopped(tx, night.before, after, limit), limit)


def _find_refusing(tx: Connection, night: Night, after: int, limit: int) -> Page:
    return walked(expiry.refusing_phones(tx, night.before, after, limit), limit)


def _forget_children(tx: Connection, night: Night, ids: Sequence[int]) -> int:
    return erasure.forget_children(tx, night.runtime, ids, night.now)


def _forget_unheard(tx: Connection, night: Night, phones: Sequence[int]) -> int:
    children = [
        child for phone_id in phones for child in expiry.children_that_nobody_hears_of(tx, phone_id, night.before)
    ]
    return erasure.forget_children(tx, night.runtime, list(dict.fromkeys(children)), night.now)


def _count_unheard(tx: Connection, night: Night) -> int:
    children = {
        child
        for phone_id in _everything(_find_refusing, tx, night)
        for child in expiry.children_that_nobody_hears_of(tx, phone_id, night.before)
    }
    return len(children)


def _children(find: Callable[[Connection, Night, int, int], Page]) -> Sweep:
    # One at a time: each locks its household, and whoever holds two may wait for somebody who waits for him.
    return Sweep(find, _forget_children, lambda tx, night: len(_everything(find, tx, night)), most=1)


# --- who is left over ---------------------------------------------------------------------------------------


def _left_over(table: Any, which: Callable[[Night], Any], delete: Callable[..., int], *, most: int = 200) -> Sweep:
    def find(tx: Connection, night: Night, after: int, limit: int) -> Page:
        return walked(expiry.left_over(tx, table, which(night), after, limit), limit)

    def act(tx: Connection, night: Night, ids: Sequence[int]) -> int:
        return delete(tx, night, expiry.still_left_over(tx, table, which(night), ids))

    return Sweep(find, act, lambda tx, night: expiry.count_which(tx, table, which(night)), most=most)


def _phones_of_nobody(night: Night) -> Any:
    return expiry.phones_of_nobody(night.before, night.now - retention_rules.REFUSED_PHONE_MS)


def _delete_phones(tx: Connection, night: Night, ids: Sequence[int]) -> int:
    erasure.forget_messages(tx, night.runtime, expiry.messages_to(tx, ids))
    return expiry.delete_phones(tx, ids)


def _find_refusals(tx: Connection, night: Night, place: int, limit: int) -> Page:
    keys = expiry.old_refusals(tx, night.before, limit)
    return Page(keys, place if len(keys) == limit else None)


# --- in common ----------------------------------------------------------------------------------------------


def _everything(find: Callable[[Connection, Night, int, int], Page], tx: Connection, night: Night) -> list[int]:
    found: list[int] = []
    place: Any = 0
    while place is not None:
        page = find(tx, night, place, 1000)
        found += page.keys
        place = page.place
    return found


SWEEPS: dict[str, Sweep] = {
    "keystrokes": _aged(expiry.CONVERSATIONS),
    "receipts": _aged(expiry.RECEIPTS),
    "former_ids": _aged(expiry.FORMER_IDS),
    "tries": _aged(expiry.TRIES, by_day=True),
    "staff_tries": _aged(expiry.STAFF_TRIES),
    "staff_lists": _aged(expiry.STAFF_LISTS),
    "staff_sessions": _aged_by(
        expiry.STAFF_SESSIONS, lambda tx, night, ids: staff_tables.end_old_sessions(tx, night.before, ids)
    ),
    "route_samples": _aged(expiry.ROUTE_SAMPLES),
    "given_up_jobs": _aged(expiry.GIVEN_UP_JOBS),
    "inbound_bodies": _aged(expiry.INBOUND_BODIES),
    "event_keys": _aged(expiry.EVENT_KEYS),
    "message_texts": Sweep(_find_words, _empty, _count_words, begins_at=_emptied_to, most=200),
    "messages": Sweep(
        _find_messages,
        lambda tx, night, ids: erasure.forget_messages(tx, night.runtime, ids)["message"],
        lambda tx, night: expiry.count_old_messages(tx, night.before),
        most=100,
    ),
    "expired_tasks": _aged(expiry.EXPIRED_TASKS),
    "closed_tasks": _aged(expiry.CLOSED_TASKS),
    "feedback": _aged(expiry.FEEDBACK),
    "requests": _left_over(
        membership,
        lambda night: expiry.requests_over(night.before),
        lambda tx, _, ids: erasure.forget_memberships(tx, ids),
    ),
    "unanswered_requests": _aged(expiry.UNANSWERED_REQUESTS),
    "handovers": _aged(expiry.HANDOVERS),
    "grown_children": _children(_find_grown),
    "left_children": _children(_find_stopped),
    "refused_children": Sweep(_find_refusing, _forget_unheard, _count_unheard, most=1),
    "ended_follow_ups": _left_over(
        follow_up,
        lambda night: expiry.follow_ups_ended(night.before),
        lambda tx, night, ids: erasure.forget_follow_ups(tx, night.runtime, ids, night.now),
    ),
    "unended_follow_ups": _left_over(
        follow_up,
        lambda night: expiry.follow_ups_begun(night.before_day),
        lambda tx, night, ids: erasure.forget_follow_ups(tx, night.runtime, ids, night.now),
    ),
    "ended_treatments": _left_over(
        treatment,
        lambda night: treatment_tables.ended_before(night.before),
        lambda tx, _, ids: erasure.forget_treatments(tx, ids),
    ),
    "unended_treatments": _left_over(
        treatment,
        lambda night: treatment_tables.admitted_before(night.before_day),
        lambda tx, _, ids: erasure.forget_treatments(tx, ids),
    ),
    "former_phones": _aged(expiry.FORMER_PHONES, by_day=True),
    "former_mediators": _aged(expiry.FORMER_MEDIATORS),
    "staff_reads": _aged(expiry.STAFF_READS),
    "staff_alarms": _aged(expiry.STAFF_ALARMS),
    "former_staff": _aged_by(
        expiry.FORMER_STAFF, lambda tx, night, ids: staff_tables.forget_staff(tx, night.before, ids)
    ),
    "talks": _aged(expiry.TALKS, by_day=True),
    "dropped_talks": _aged(expiry.DROPPED_TALKS, by_day=True),
    "visits": _aged(expiry.VISITS, by_day=True),
    "people": _left_over(
        person,
        lambda night: expiry.people_of_nothing(night.before),
        lambda tx, _, ids: expiry.delete_people(tx, ids),
    ),
    "households": _left_over(
        household,
        lambda night: expiry.homes_of_nobody(night.before),
        lambda tx, _, ids: expiry.delete_homes(tx, ids),
    ),
    "phones": _left_over(phone, _phones_of_nobody, _delete_phones, most=10),
    "refusals": Sweep(
        _find_refusals,
        lambda tx, night, keys: expiry.delete_refusals(tx, night.before, keys),
        lambda tx, night: expiry.count_which(tx, opt_out, expiry.refusals_of_nobody(night.before)),
    ),
    "erasures": _aged(expiry.ERASURES),
}
