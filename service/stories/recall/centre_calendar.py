"""A health centre says what changes: its days of the week, a day cancelled or added, an antigen out of stock or back.

Each is written down with who said it and why. Then the families that it touches are planned anew, in short
transactions, and those who were told a day that fell away are asked pardon, once. A command that was cut is finished
by saying it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple, TypeVar

from sqlalchemy.engine import Connection

from service.domain.centre_days import LOOKED_AHEAD_DAYS, CentreDays
from service.domain.places import WEEKDAYS
from service.runtime import Runtime
from service.store import care_tables, centre_tables, child_states
from service.store.care_tables import Appointment
from service.store.centre_tables import Awaited, Fact, Kind, Planned
from service.stories.keeping import paged_work
from service.stories.keeping.paged_work import Page
from service.stories.recall import apologies, meeting_days, recalls, unsaid
from service.stories.recall.apologies import Bill, Moved

NEW = 0
"""The id of a fact that is not written down yet."""


class Refused(Exception):
    """What cannot be said of a centre; the text says why, and nothing was changed."""


class Said(NamedTuple):
    """Who says it and why; `dry_run`: only to know what it would come to."""

    by: str
    why: str
    dry_run: bool = False


@dataclass
class Outcome:
    """`is_new` False: it was known already. Families planned anew, apologies, rough cost in hundredths of a franc."""

    is_new: bool
    families: int = 0
    messages: int = 0
    cost: int = 0

    def add(self, families: int, bill: Bill) -> None:
        self.families += families
        self.messages += bill.messages
        self.cost += bill.cost


@dataclass
class _Change:
    """What becomes of the facts, and the one that pardon is asked for; one that `gives_back` makes no day fall away."""

    add: list[Fact] = field(default_factory=list)
    end: list[Fact] = field(default_factory=list)
    cut: list[tuple[Fact, date]] = field(default_factory=list)
    sorry_for: int | None = None
    gives_back: bool = False


Decide = Callable[[Sequence[Fact], CentreDays], _Change]


# --- what a centre may say ------------------------------------------------------------------------------------


def cancel_day(runtime: Runtime, code: str, day: date, said: Said) -> Outcome:
    """No vaccination on this day, whatever it was for."""
    _coming(runtime, day)

    def decide(facts: Sequence[Fact], days: CentreDays) -> _Change:
        usual = days.weekdays(day)
        if usual and day.weekday() not in usual and not any(one.on == day for one in days.extra):
            known = ", ".join(WEEKDAYS[weekday] for weekday in usual)
            raise Refused(f"{day} is no vaccination day of this centre: its days are {known}")
        return _added(facts, _fact("cancelled", said, day, day), sorry=True)

    return _say(runtime, code, decide, said)


def add_day(runtime: Runtime, code: str, day: date, antigens: Sequence[str], said: Said) -> Outcome:
    """A day beside those of the week, for these antigens or for all; or a day that was cancelled and is back."""
    _coming(runtime, day)
    named = _antigens(runtime, antigens)

    def decide(facts: Sequence[Fact], days: CentreDays) -> _Change:
        back = [one for one in facts if one.kind == "cancelled" and one.since == day]
        usual = days.weekdays(day)
        is_usual = not usual or day.weekday() in usual
        change = _Change() if is_usual and not named else _added(facts, _fact("extra", said, day, day, named))
        change.end += back
        change.sorry_for, change.gives_back = (back[0].id if back else None), True
        return change

    return _say(runtime, code, decide, said)


def out_of_stock(runtime: Runtime, code: str, antigen: str, since: date, until: date | None, said: Said) -> Outcome:
    """The centre has none of this antigen from `since` to the last day `until`; None: nobody knows until when."""
    if until is not None:
        _coming(runtime, until)
        if until < since:
            raise Refused(f"{until} is before {since}")
    named = _antigens(runtime, [antigen])

    def decide(facts: Sequence[Fact], _: CentreDays) -> _Change:
        change = _added(facts, _fact("stock_out", said, since, until, named), sorry=True)
        if change.add:  # what was said before of the same days is said better now
            change.end = [
                one
                for one in _stock_outs(facts, named)
                if (until is None or one.since <= until) and (one.until is None or one.until >= since)
            ]
        return change

    return _say(runtime, code, decide, said)


def back_in_stock(runtime: Runtime, code: str, antigen: str, on: date, said: Said) -> Outcome:
    """The centre has the antigen again from this day on."""
    named = _antigens(runtime, [antigen])

    def decide(facts: Sequence[Fact], _: CentreDays) -> _Change:
        ended = [one for one in _stock_outs(facts, named) if one.until is None or one.until >= on]
        until = on - timedelta(1)
        shorter = [one._replace(id=NEW, until=until) for one in ended if one.since <= until]
        return _Change(add=shorter, end=ended, sorry_for=ended[0].id if ended else None, gives_back=True)

    return _say(runtime, code, decide, said)


def set_days(
    runtime: Runtime, code: str, week: Sequence[tuple[str, Sequence[str]]], since: date, said: Said
) -> Outcome:
    """The days of the week from `since` on: ("mon", ()) for all, ("tue", ("BCG",)) for what only Tuesdays have."""
    if not week:
        raise Refused("say at least one day of the week")
    strange = next((day for day, _ in week if day not in WEEKDAYS), None)
    if strange is not None:
        raise Refused(f"'{strange}' is no day of the week: write {', '.join(WEEKDAYS)}")
    lines = [_fact("weekly", said, since, None, _antigens(runtime, only), day) for day, only in week]

    def decide(facts: Sequence[Fact], _: CentreDays) -> _Change:
        open_lines = [one for one in facts if one.kind == "weekly" and (one.until is None or one.until >= since)]
        stands = {(one.weekday, one.antigens) for one in open_lines if one.since <= since and one.until is None}
        if stands == {(one.weekday, one.antigens) for one in lines} and len(open_lines) == len(stands):
            return _Change(sorry_for=open_lines[0].id)
        return _Change(
            add=lines,
            end=[one for one in open_lines if one.since >= since],
            cut=[(one, since) for one in open_lines if one.since < since],
            sorry_for=NEW,
        )

    return _say(runtime, code, decide, said)


def weekdays_of(tx: Connection, centre_id: int, today: date) -> tuple[str, ...]:
    """The days of the week on which a centre vaccinates, "mon", "tue" ...; none when nobody told us."""
    return tuple(WEEKDAYS[day] for day in centre_tables.days_of(tx, centre_id).weekdays(today))


# --- writing it down, and planning anew -----------------------------------------------------------------------


def _say(runtime: Runtime, code: str, decide: Decide, said: Said) -> Outcome:
    if not said.dry_run and not (said.by.strip() and said.why.strip()):
        raise Refused("say who decides it, and why: both are written down")
    with runtime.database.begin() as tx:
        centre_id = _centre(tx, code)
        facts, usual = centre_tables.standing_facts(tx, centre_id), centre_tables.usual_days(tx, centre_id)
        change = decide(facts, centre_tables.as_days(facts, usual))
        outcome = Outcome(is_new=bool(change.add or change.end or change.cut))
        if not said.dry_run:
            _write(tx, centre_id, change, said.by, runtime.now())
    days = centre_tables.as_days(_after(facts, change), usual) if said.dry_run else None
    _plan_anew(runtime, centre_id, change, outcome, days)
    return outcome


def _write(tx: Connection, centre_id: int, change: _Change, by: str, now: int) -> None:
    for one in change.end:
        centre_tables.end_fact(tx, one.id, by, now)
    for one, since in change.cut:
        centre_tables.hold_until(tx, one.id, since)
    added = [centre_tables.add_fact(tx, centre_id, one, now) for one in change.add]
    if change.sorry_for == NEW:
        change.sorry_for = added[0].id


def _after(facts: Sequence[Fact], change: _Change) -> list[Fact]:
    ended = {one.id for one in change.end}
    until = {one.id: since - timedelta(1) for one, since in change.cut}
    stand = [one._replace(until=until.get(one.id, one.until)) for one in facts if one.id not in ended]
    return stand + change.add


def _plan_anew(
    runtime: Runtime, centre_id: int, change: _Change, outcome: Outcome, foreseen: CentreDays | None
) -> None:
    """Page after page of the centre's families; with days that are only `foreseen`, nothing is written."""

    def find(tx: Connection, after: int, limit: int) -> Page:
        page = paged_work.walked(centre_tables.households_from(tx, centre_id, after, limit), limit)
        if foreseen is not None:
            _foresee(tx, runtime, centre_id, page.keys, foreseen, change, outcome)
            return page._replace(keys=())
        return page

    def act(tx: Connection, homes: Sequence[int]) -> int:
        return _plan_page(tx, runtime, centre_id, homes, change, outcome)

    for _ in paged_work.in_pages(runtime.database, find, act, 0, most=recalls.PAGE):
        pass


def _plan_page(
    tx: Connection, runtime: Runtime, centre_id: int, homes: Sequence[int], change: _Change, outcome: Outcome
) -> int:
    now = runtime.now()
    centre_tables.lock_households(tx, homes)
    days = centre_tables.days_of(tx, centre_id)
    awaited = _awaited(tx, runtime, centre_id, homes, days, change, now)
    waits = [one for one in awaited if not one.left]
    unsaid.unsay_appointments(tx, runtime, [one.appointment_id for one in waits], now)
    touched, _ = _touched(runtime, days, centre_tables.planned_at(tx, centre_id, homes), runtime.today(now))
    children = {one.child_id: one.household_id for one in touched} | {one.child_id: one.household_id for one in waits}
    waiting = centre_tables.with_an_apology_waiting(tx, homes)
    moved = [
        Moved(home, child_id, row)
        for child_id, home in children.items()
        for row in recalls.replan(tx, runtime, child_id, now)
    ]
    late = _Late([one for one in awaited if one.left], days)
    bill = _ask_pardon(tx, runtime, centre_id, moved, late, waiting, change, now)
    families = len({one.household_id for one in moved})
    outcome.add(families, bill)
    return families


def _ask_pardon(
    tx: Connection,
    runtime: Runtime,
    centre_id: int,
    moved: Sequence[Moved],
    late: _Late,
    waiting: set[int],
    change: _Change,
    now: int,
) -> Bill:
    today = runtime.today(now)
    moved, awaited = _spoken_of(tx, moved, today), _spoken_of(tx, late.awaited, today)
    if change.sorry_for is None or not (moved or awaited):
        return Bill(0, 0)
    houses = {one.household_id for one in moved} | {one.household_id for one in awaited}
    still = centre_tables.days_still_told(tx, sorted(houses))
    in_vain = {} if change.gives_back else apologies.told_in_vain(tx, moved, still, today)
    for home, days in apologies.still_to_be_told(tx, moved, waiting, still, today).items():
        in_vain[home] = sorted({*in_vain.get(home, ()), *days})
    planned = {one.child_id for one in moved}
    also = apologies.add_awaited(runtime, in_vain, awaited, late.days, still, today, but=planned)
    centre_tables.pardoned(tx, [one.appointment_id for one in awaited])
    instead: dict[int, list[Appointment]] = {home: [] for home in in_vain}
    anchors = {(one.child_id, one.row.anchor_on) for one in moved if one.household_id in in_vain}
    for child_id, home in {one.child_id: one.household_id for one in moved if one.household_id in in_vain}.items():
        rows = care_tables.open_appointments(tx, child_id)
        instead[home] += [row for row in rows if (child_id, row.anchor_on) in anchors]
    return apologies.apologise(tx, runtime, centre_id, change.sorry_for, in_vain, instead, now, also)


class _Late(NamedTuple):
    """Who was told a day that is none any more, and the days as they are."""

    awaited: Sequence[Awaited]
    days: CentreDays


def _awaited(
    tx: Connection,
    runtime: Runtime,
    centre_id: int,
    homes: Sequence[int],
    days: CentreDays,
    change: _Change,
    now: int,
) -> list[Awaited]:
    if change.sorry_for is None or change.gives_back:
        return []
    return meeting_days.awaited_in_vain(tx, runtime, centre_id, homes, days, runtime.today(now))


AnyChild = TypeVar("AnyChild", Moved, Awaited)


def _spoken_of(tx: Connection, moved: Sequence[AnyChild], today: date) -> list[AnyChild]:
    """Without the children of whom nothing is said now: their families refused, or they are in hospital."""
    quiet = child_states.quiet_among(tx, {one.child_id for one in moved}, today)
    return [one for one in moved if one.child_id not in quiet]


def _foresee(
    tx: Connection,
    runtime: Runtime,
    centre_id: int,
    homes: Sequence[int],
    days: CentreDays,
    change: _Change,
    outcome: Outcome,
) -> None:
    now = runtime.now()
    moved, still = _touched(runtime, days, centre_tables.planned_at(tx, centre_id, homes), runtime.today(now))
    takes_away = change.sorry_for is not None and not change.gives_back
    spoken_of = _spoken_of(tx, moved, runtime.today(now))
    in_vain = apologies.told_in_vain(tx, spoken_of, still, runtime.today(now)) if takes_away else {}
    awaited = [one for one in _awaited(tx, runtime, centre_id, homes, days, change, now) if one.left]
    apologies.add_awaited(
        runtime, in_vain, _spoken_of(tx, awaited, runtime.today(now)), days, still, runtime.today(now)
    )
    outcome.add(len({one.household_id for one in moved}), apologies.foresee(tx, runtime, centre_id, in_vain, now))


def _touched(
    runtime: Runtime, days: CentreDays, planned: Sequence[Planned], today: date
) -> tuple[list[Moved], set[tuple[int, date]]]:
    """The appointments that these days move, and (household, day) of all that would then stand."""
    moved: list[Moved] = []
    stand: set[tuple[int, date]] = set()
    for (home, child_id), group in groupby(planned, lambda one: (one.household_id, one.child_id)):
        change = meeting_days.change_with(runtime, days, [one.row for one in group], today)
        moved += [Moved(home, child_id, row) for row in change.gone]
        stand |= {(home, day) for day in change.days}
    return moved, stand


# --- reading what is said -------------------------------------------------------------------------------------


def _fact(
    kind: Kind, said: Said, since: date, until: date | None, antigens: tuple[str, ...] = (), weekday: str | None = None
) -> Fact:
    return Fact(NEW, kind, weekday, antigens, since, until, said.why, said.by)


def _added(facts: Sequence[Fact], fact: Fact, *, sorry: bool = False) -> _Change:
    """The fact, unless somebody has said the same."""
    known = next((one for one in facts if one.says == fact.says), None)
    sorry_for = (known.id if known else NEW) if sorry else None
    return _Change(add=[] if known else [fact], sorry_for=sorry_for)


def _stock_outs(facts: Sequence[Fact], antigens: tuple[str, ...]) -> list[Fact]:
    return [one for one in facts if one.kind == "stock_out" and one.antigens == antigens]


def _centre(tx: Connection, code: str) -> int:
    found = centre_tables.lock_centre(tx, code.strip().upper())
    if found is None:
        known = ", ".join(f"{code} ({name})" for _, code, name in centre_tables.centres(tx))
        raise Refused(f"no centre has the code '{code}'; there are {known}")
    return found[0]


def _coming(runtime: Runtime, day: date) -> None:
    today = runtime.today(runtime.now())
    if day < today:
        raise Refused(f"{day} is past")
    if day > today + timedelta(LOOKED_AHEAD_DAYS):
        raise Refused(f"{day} is more than {LOOKED_AHEAD_DAYS} days ahead")


def _antigens(runtime: Runtime, typed: Sequence[str]) -> tuple[str, ...]:
    known = {series.record_as for series in runtime.calendar.series.values()}
    words = tuple(sorted({word.strip().upper() for word in typed if word.strip()}))
    strange = next((word for word in words if word not in known), None)
    if strange is not None:
        raise Refused(f"'{strange}' is no antigen of the calendar; it has {', '.join(sorted(known))}")
    return words
