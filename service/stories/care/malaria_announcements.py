"""Malaria rounds are announced, moved, cancelled; a job then asks every family of the district who is expected.

Dates are the programme's, and dated: who said them and when is kept. The job walks over the households in short
transactions and writes down how far it is in each of them, so a killed worker, two workers, or another word on the same
round at any moment leave no child out and expect none twice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service import jobs
from service.domain import malaria_rounds, reminder_ladder
from service.domain.malaria_rounds import Invitation, Round
from service.domain.places import plain_name
from service.domain.protocols import NotPossible
from service.runtime import Runtime
from service.store import centre_tables, decision_tables, replan_tables, round_tables
from service.store.care_tables import ROUND
from service.store.people_tables import Child
from service.store.round_tables import ANNOUNCED, CANCELLED, Announced
from service.stories.care import round_pardons, round_plans
from service.stories.delivery import money
from service.stories.keeping import paged_work
from service.stories.keeping.paged_work import Page

JOB = "rounds"
MOST_HOUSEHOLDS = 100
"""In one transaction: a caller's keystroke waits for it on SQLite."""


class Refused(Exception):
    """Nothing was written; the text says why."""


@dataclass(frozen=True, slots=True)
class Said:
    """A round as the programme tells it: both days are included. `by` is who says so."""

    district: str
    number: int
    first: date
    last: date
    by: str


class Foreseen(NamedTuple):
    """Who would be expected, and at most so many SMS at this rough cost, in hundredths of a franc CFA."""

    children: int
    households: int
    messages: int
    cost: int


class Listed(NamedTuple):
    """A round, its district as we write it, and how many children are expected."""

    one: Announced
    district: str
    expected: int


# --- what is said -------------------------------------------------------------------------------------------


def announce(tx: Connection, runtime: Runtime, said: Said, now: int) -> Announced:
    """These dates stand from now on, and the job is to ask every family of the district. Raises Refused."""
    where, known = _checked(tx, runtime, said, now)
    if known is not None and known.state == ANNOUNCED:
        raise Refused(f"round {said.number} is announced already, from {known.first_on}: `laseli follow rounds move`")
    if known is None:
        round_id = round_tables.add_round(tx, now, where, said.number, said.first, said.last, _name(said.by))
    else:
        round_id = _say_otherwise(tx, known._replace(state=ANNOUNCED), said, now)
    return _walk_again(tx, round_id, "announced", said.by, now)


def move(tx: Connection, runtime: Runtime, said: Said, now: int) -> Announced:
    """The round is on other days of its year: what was to be told of the former ones is taken back. Raises Refused."""
    _, known = _checked(tx, runtime, said, now, moving=True)
    assert known is not None, "asked above"
    _hold_back(tx, known, now)
    return _walk_again(tx, _say_otherwise(tx, known, said, now), "moved", said.by, now)


def cancel(
    tx: Connection, runtime: Runtime, district: str, number: int, by: str, now: int, *, year: int | None = None
) -> Announced:
    """There is no such round: what was to be told of it is taken back. Raises Refused."""
    today = runtime.today(now)
    where = _district(tx, district)
    one = _standing(tx, where, year or today.year, number, today)
    _name(by)
    _hold_back(tx, one, now)
    round_tables.say_otherwise(tx, one._replace(state=CANCELLED), now, _name(by))
    return _walk_again(tx, one.id, "cancelled", by, now)


def listed(tx: Connection) -> list[Listed]:
    """Every round that was ever announced."""
    names = {plain_name(name): name for name in round_tables.district_names(tx)}
    found = []
    for one in round_tables.all_rounds(tx):
        expected = round_tables.count_expected(tx, _zones(tx, one.district), one.contacts)
        found.append(Listed(one, names.get(one.district, one.district), expected))
    return found


def _checked(
    tx: Connection, runtime: Runtime, said: Said, now: int, *, moving: bool = False
) -> tuple[str, Announced | None]:
    """The district's plain name, and the round of this number if one is known."""
    if runtime.config.follow_ups is None:
        raise Refused("no round is announced before a health professional confirmed the figures (docs/follow-ups.md)")
    _name(said.by)
    where, today = _district(tx, said.district), runtime.today(now)
    year = round_tables.all_rounds(tx, where, said.first.year)
    known = next((one for one in year if one.number == said.number), None)
    if moving:
        known = _standing(tx, where, said.first.year, said.number, today)
    begun = moving and known is not None and said.first == known.first_on
    others = [round_plans.as_round(one) for one in year if one.state == ANNOUNCED and one.number != said.number]
    try:
        malaria_rounds.checked(runtime.malaria, others, _round(said), today, begun=begun)
    except NotPossible as reason:
        raise Refused(str(reason)) from None
    return where, known


def _standing(tx: Connection, where: str, year: int, number: int, today: date) -> Announced:
    known = [one for one in round_tables.all_rounds(tx, where, year) if one.number == number]
    if not known or known[0].state != ANNOUNCED:
        raise Refused(f"no round {number} of {year} is announced there: `laseli follow rounds list` shows them")
    if known[0].last_on < today:
        raise Refused(f"round {number} of {year} is over since {known[0].last_on}")
    return known[0]


def _district(tx: Connection, typed: str) -> str:
    names = round_tables.district_names(tx)
    where = plain_name(typed)
    if where not in map(plain_name, names):
        raise Refused(f"no quartier of ours is in the district '{typed}'; there is {', '.join(names)}")
    return where


def _name(by: str) -> str:
    if not by.strip():
        raise Refused("say who announced it, with --by NAME: it is written down")
    return by.strip()[:60]


def _round(said: Said) -> Round:
    return Round(said.number, said.first, said.last, None)


def _say_otherwise(tx: Connection, one: Announced, said: Said, now: int) -> int:
    otherwise = one._replace(first_on=said.first, last_on=said.last)
    round_tables.say_otherwise(tx, otherwise, now, _name(said.by))
    return one.id


def _hold_back(tx: Connection, one: Announced, now: int) -> None:
    """No message more is made of the former days while the families are still asked, one page after the other."""
    round_tables.hold_back(tx, _zones(tx, one.district), one.contacts, now)


def _walk_again(tx: Connection, round_id: int, what: str, by: str, now: int) -> Announced:
    one = round_tables.find_round(tx, round_id)
    assert one is not None
    why = f"{what}: {one.district} {one.year}-{one.number}, {one.first_on} to {one.last_on}"
    decision_tables.note_decision(tx, now, _name(by), "malaria round", why)
    jobs.later(tx, JOB, lock=f"{JOB}:{round_id}", round_id=round_id)
    return one


def _zones(tx: Connection, district: str) -> list[int]:
    return [zone_id for zone_id, name in round_tables.zones_by_district(tx) if plain_name(name) == district]


# --- the job ------------------------------------------------------------------------------------------------


def carry_on(runtime: Runtime, round_id: int) -> None:
    """Page after page until all families were asked, something else was said, or this worker is told to end."""
    with runtime.database.read() as tx:
        one = round_tables.find_round(tx, round_id)
        zones = _zones(tx, one.district) if one else []
    if one is None or one.is_walked:
        return
    walk = _Walk(runtime, one, zones)
    for page in paged_work.in_pages(runtime.database, walk.find, walk.act, one.after_household, most=MOST_HOUSEHOLDS):
        if walk.is_taken:
            return
        if page.place is not None and runtime.stopping.is_set():
            with runtime.database.begin() as tx:  # the next worker goes on
                jobs.later(tx, JOB, lock=f"{JOB}:{round_id}", round_id=round_id)
            return
    with runtime.database.begin() as tx:
        round_tables.set_walked(tx, round_id, one.turn)


def look_after(runtime: Runtime) -> int:
    """Rounds whose families were not all asked get their job again: a restore drops it, five failures end it.

    Gives how many. Where one is at work the two share it.
    """
    with runtime.database.read() as tx:
        left = round_tables.unwalked(tx, runtime.today(runtime.now()))
    if left:
        with runtime.database.begin() as tx:
            for round_id in left:
                jobs.later(tx, JOB, lock=f"{JOB}:{round_id}", round_id=round_id)
    return len(left)


class _Walk:
    """`is_taken`: another word was said on the round, or another worker has gone on with it."""

    def __init__(self, runtime: Runtime, one: Announced, zones: Collection[int]) -> None:
        self.runtime, self.one, self.zones, self.after = runtime, one, zones, one.after_household
        self.is_taken = False

    def find(self, tx: Connection, after: int, limit: int) -> Page:
        if self.is_taken:
            return Page((), None)
        return paged_work.walked(replan_tables.households_after(tx, after, limit), limit)

    def act(self, tx: Connection, homes: Sequence[int]) -> int:
        if not round_tables.take_page(tx, self.one.id, self.one.turn, self.after, homes[-1]):
            self.is_taken = True
            return 0
        children = plan_page(tx, self.runtime, self.one, homes, self.zones)
        self.after = homes[-1]
        return children


def plan_page(tx: Connection, runtime: Runtime, one: Announced, homes: Sequence[int], zones: Collection[int]) -> int:
    """The children of these households are expected as it is announced now; gives how many live in the district.

    Who heard of a day that fell away hears that it did.
    """
    now = runtime.now()
    centre_tables.lock_households(tx, homes)
    children = round_tables.followed_in(tx, homes, zones)
    waiting = round_pardons.waiting_in(tx, homes)
    gone = round_plans.replan(tx, runtime, children, now, is_asking=True)
    if gone:
        round_pardons.ask_pardon(tx, runtime, one, gone, waiting, now)
    return len(children)


# --- only to know -------------------------------------------------------------------------------------------


def foresee(runtime: Runtime, said: Said, *, moving: bool = False) -> Foreseen:
    """What announcing, or moving, would come to; nothing is changed. Raises Refused as they would."""
    now = runtime.now()
    with runtime.database.read() as tx:
        where, known = _checked(tx, runtime, said, now, moving=moving)
        if not moving and known is not None and known.state == ANNOUNCED:
            raise Refused(f"round {said.number} is announced already, from {known.first_on}")
        zones = _zones(tx, where)
    after, total = 0, Foreseen(0, 0, 0, 0)
    while True:
        with runtime.database.read() as tx:
            homes = replan_tables.households_after(tx, after, MOST_HOUSEHOLDS)
            if not homes:
                return total
            children = round_tables.followed_in(tx, homes, zones)
            reached = round_tables.with_phone(tx, homes)
        total = _plus(total, _page_foreseen(runtime, said, where, children, reached, now))
        after = homes[-1]


def _page_foreseen(
    runtime: Runtime, said: Said, where: str, children: Sequence[Child], reached: Collection[int], now: int
) -> Foreseen:
    known, today = malaria_rounds.announced(runtime.malaria, where, [_round(said)]), runtime.today(now)
    expected = 0
    days: dict[int, set[date]] = {}
    for child in children:
        told = malaria_rounds.invitations(known, child.born_on, where, known.seasons, child.enrolled_on, today)
        expected += bool(told)
        if told:
            is_told = not child.is_quiet(said.last)
            on = {day for one in told for day in _days_told(runtime, one, now)} if is_told else set()
            days.setdefault(child.household_id, set()).update(on)
    messages = sum(len(on) for home, on in days.items() if home in reached)
    route = runtime.routes[0].name if runtime.routes else ""
    return Foreseen(expected, len(days), messages, messages * money.estimate(runtime, route, "", 1, now))


def _days_told(runtime: Runtime, one: Invitation, now: int) -> set[date]:
    """The days of the steps that are still to come."""
    days: set[date] = set()
    told: str | None = None
    while step := reminder_ladder.next_step(runtime.ladder_for(ROUND), one.on, told, runtime.local(now), one.lapses_on):
        days.add(step.on)
        told = step.step
    return days


def _plus(one: Foreseen, other: Foreseen) -> Foreseen:
    return Foreseen(*(a + b for a, b in zip(one, other, strict=True)))
