"""The week's list by SMS: each mediator is told once whom to visit, by code, the longest late first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy.engine import Connection

from service.domain import list_week, local_time
from service.domain.list_week import ListTime
from service.runtime import Runtime
from service.store import mediator_tables, message_tables
from service.store.mediator_tables import Mediator
from service.store.system_tables import count, mark, read_mark
from service.stories.delivery import dispatch_gate, outbox
from service.stories.delivery.outbox import Letter
from service.stories.keeping import clock_guard, paged_work
from service.stories.keeping.paged_work import Page
from service.stories.recall import late_list
from service.stories.recall.late_list import LateChild
from service.stories.recall.reminders import spoken_language
from service.stories.talk.wording import show_code

MARK = "weekly_list_told"
PAGE = 20
"""Mediators whose lists are made in one reading."""
CHILDREN_WIDTH = 160
"""Characters that the codes may take: the width of {children} in flows/phrases/weekly.yaml, ten children or so."""
PRIORITY = outbox.PRIORITY["notice"]
"""It is for staff and may leave at their hours, but alarms and recalls go first."""


def queue_weekly_lists(runtime: Runtime) -> int:
    """Tell every mediator who has somebody to visit, once a week; gives how many were told now.

    Running it twice, or in two workers at once, tells nobody twice: the key is the mediator's and the week's.
    """
    now = runtime.now()
    when, today = time_of(runtime), runtime.today(now)
    if not list_week.is_time(when, runtime.local(now), runtime.hours.holidays):
        return 0
    week = list_week.week_of(today)
    with runtime.database.begin() as tx:
        if read_mark(tx, MARK) == week or clock_guard.holds(tx):
            return 0
        if _may_be_told(tx, runtime, when, week):
            count(tx, "weekly_lists_taken_as_told")
            mark(tx, MARK, week)
            return 0
    told = _tell_all(runtime, when, now)
    if told is None:
        return 0
    with runtime.database.begin() as tx:
        mark(tx, MARK, week)
    return told


def tell_again(tx: Connection, runtime: Runtime, zone_id: int, now: int) -> None:
    """A child of this quartier is followed no longer: the lists that still wait are told without it, or not at all."""
    when, today = time_of(runtime), runtime.today(now)
    for one in mediator_tables.active_in(tx, zone_id):
        if message_tables.take_back_with_key(tx, one.phone_id, _key(one, today), now, "the list changed"):
            letter = _letter(tx, runtime, one, when, now)
            outbox.put_many(tx, now, [letter] if letter else [])


def time_of(runtime: Runtime) -> ListTime:
    settings = runtime.config.late_list
    return ListTime(list_week.WORKDAYS.index(settings.weekday), settings.at)


def text_for(runtime: Runtime, one: Mediator, children: Sequence[LateChild], today: date) -> str:
    """How many are to be visited, and the first of them as code and days late: '4821 7730 21j'."""
    said = [_child(runtime, one, late) for late in children]
    fitting = _that_fit(said)
    phrase = "weekly.all" if len(fitting) == len(said) else "weekly.first"
    return runtime.phrases.say(
        phrase,
        spoken_language(runtime, one.language, phrase),
        sender=runtime.config.sender_name,
        day=f"{today:%d/%m}",
        count=len(said),
        children=", ".join(fitting),
        code=runtime.config.service_code,
    )


def _may_be_told(tx: Connection, runtime: Runtime, when: ListTime, week: str) -> bool:
    """The database was put back after this week's list may have gone out: nobody is told twice."""
    restored_at = dispatch_gate.restored_at(tx)
    if not restored_at or list_week.week_of(runtime.today(restored_at)) != week:
        return False
    return list_week.may_have_gone(when, runtime.local(restored_at))


def _tell_all(runtime: Runtime, when: ListTime, now: int) -> int | None:
    """A page of mediators after the other; None when the process is to end, and another one goes on."""

    def find(tx: Connection, after: int, limit: int) -> Page:
        accounts = mediator_tables.active_after(tx, after, limit)
        letters = [_letter(tx, runtime, one, when, now) for one in accounts]
        walked = paged_work.walked([one.id for one in accounts], limit)
        return Page([letter for letter in letters if letter is not None], walked.place)

    def act(tx: Connection, letters: Sequence[Letter]) -> int:
        return len(outbox.put_many(tx, now, letters))

    told = 0
    for done in paged_work.in_pages(runtime.database, find, act, 0, most=PAGE):
        told += done.rows
        if runtime.stopping.is_set() and done.place is not None:
            return None
    return told


def _letter(tx: Connection, runtime: Runtime, one: Mediator, when: ListTime, now: int) -> Letter | None:
    today = runtime.today(now)
    served = [zone_id for zone_id, _ in mediator_tables.zones_of(tx, one.id)]
    children = late_list.late_children(tx, runtime, served, today)
    if not children:
        return None
    return Letter(
        to=one.number,
        text=text_for(runtime, one, children, today),
        key=_key(one, today),
        purpose="staff",
        klass="must-arrive",
        not_before=now,
        useful_until=local_time.instant(datetime.combine(today, when.closes), runtime.zone),
        priority=PRIORITY,
    )


def _key(one: Mediator, today: date) -> str:
    return f"weekly-list:{one.id}:{list_week.week_of(today)}"


def _child(runtime: Runtime, one: Mediator, late: LateChild) -> str:
    phrase = "weekly.child"
    language = spoken_language(runtime, one.language, phrase)
    return runtime.phrases.say(phrase, language, child=show_code(late.code), days=late.days_late)


def _that_fit(said: Sequence[str]) -> list[str]:
    """The first ones that take no more room than there is, parted by a comma and a blank."""
    fitting, room = list[str](), CHILDREN_WIDTH
    for words in said:
        room -= len(words) + 2
        if room < -2:
            break
        fitting.append(words)
    return fitting
