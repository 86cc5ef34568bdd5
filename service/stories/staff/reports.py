"""Indicators computed from the records: children a page at a time, each compared with the calendar once.

Every page is a read transaction of its own: who records doses meanwhile waits for nobody, and a report of a million
children needs no more memory than one of a thousand. What is written while it runs may be in it or not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.engine import Connection

from service.domain import indicator_definitions as names
from service.domain import local_time
from service.domain.indicator_counts import ChildRecord, Counting, Reminded
from service.domain.indicator_definitions import PARTS, ReportRules, definitions
from service.domain.indicators import WHOLE, Indicator, hide_small
from service.domain.places import built_in_places
from service.domain.vaccination import Given
from service.runtime import Runtime
from service.store import place_tables, report_tables, round_tables, tally_tables
from service.store.report_tables import ChildRow, Scope, Sent
from service.stories.staff import activity_counts, follow_up_figures
from service.stories.staff.round_figures import Rounds

PAGE = 1000
WEEK_MS = 7 * 24 * 3_600_000
NO_ZONE = "Sans quartier"
TRIED = frozenset({"sending", "accepted", "delivered", "undelivered", "unknown", "no_receipt", "unresolved", "failed"})
LEFT = TRIED - {"undelivered", "failed"}
"""What left and may have arrived."""
OF_THE_WHOLE = "these figures are of the whole programme: leave --zone, --cohort and --by zone out"


class CannotReport(Exception):
    """The question cannot be answered; the text says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which indicators (parts of `PARTS`), of whom and on which day, and how they are split: whole, cohort, zone.

    `zone` is a quartier's name as people write it; a cohort is (first, last) birthday.
    """

    parts: tuple[str, ...]
    as_of: date
    zone: str = ""
    cohort: tuple[date, date] | None = None
    by: str = "cohort"
    caught_up_days: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """`children` were read; `deleted` are those known only as counts; groups under `smallest` are hidden, if any."""

    wanted: Wanted
    zone: str
    children: int
    deleted: int
    smallest: int | None
    indicators: tuple[Indicator, ...]


def report(
    runtime: Runtime, wanted: Wanted, now: int, progress: Callable[[int], None] = lambda children: None
) -> Report:
    """Everything that is wanted, in one reading. `progress` hears how many children were read, page by page.

    Raises CannotReport for a day to come or a quartier that is not there.
    """
    if wanted.as_of > runtime.today(now):
        raise CannotReport(f"{wanted.as_of} is still to come: the records know nothing of it")
    with runtime.database.read() as tx:
        zones = dict(place_tables.zones(tx))
    zone_id = _zone(zones, wanted.zone)
    first, last = wanted.cohort or (None, None)
    reading = _Reading(runtime, wanted, Scope(zone_id, first, last), zones, now)
    if not reading.keys:
        raise CannotReport(OF_THE_WHOLE)
    children = 0
    for page in reading.pages():
        children += page
        progress(children)
    said = definitions(runtime.calendar, reading.rules)
    groups = activity_counts.groups_of(zones, by_zone=wanted.by == "zone")
    figures = reading.counting.indicators() + _about_messages(runtime, reading)
    if names.HOME_VISITS in reading.keys:
        figures += activity_counts.visits(runtime, said[names.HOME_VISITS], wanted.as_of, zone_id, groups)
    figures += follow_up_figures.figures(runtime, said, reading.keys, wanted.as_of, reading.today)
    in_order = list(said)
    figures.sort(key=lambda one: in_order.index(one.definition.key))
    smallest = runtime.config.report.smallest_group if wanted.by == "zone" or zone_id is not None else None
    if smallest is not None:
        figures = hide_small(figures, smallest, whole_too=zone_id is not None)
    if names.TALKS in reading.keys:  # the last in order, and nothing in it is hidden
        figures += activity_counts.talks(runtime, said[names.TALKS], wanted.as_of, zone_id, groups)
    zone = zones[zone_id] if zone_id is not None else ""
    return Report(wanted, zone, children, reading.deleted, smallest, tuple(figures))


class _Reading:
    """The walk over the children of a report, and what is counted on the way."""

    def __init__(self, runtime: Runtime, wanted: Wanted, scope: Scope, zones: dict[int, str], now: int) -> None:
        self.runtime, self.wanted, self.scope, self.zones = runtime, wanted, scope, zones
        settings = runtime.config.report
        self.rules = ReportRules(wanted.caught_up_days or settings.caught_up_days, settings.long_late_days)
        self.today = runtime.today(now)
        self.keys = {key for part in wanted.parts for key in PARTS[part]}
        if scope.zone_id is not None or wanted.by == "zone":
            self.keys -= {names.NOTED, *names.OF_WHOLE}  # what was counted knows no quartiers
        if wanted.cohort is not None:
            self.keys -= names.OF_NO_CHILD  # nobody's month of birth is known of them
        self.counting = Counting(runtime.calendar, self.rules, wanted.as_of, self.keys)
        self.before = local_time.start_of_day(wanted.as_of + timedelta(1), runtime.zone)
        self.deleted = 0
        self.rounds = self._announced() if names.ROUND_TOLD in self.keys else Rounds(())

    def _announced(self) -> Rounds:
        with self.runtime.database.read() as tx:
            districts = dict(round_tables.zones_by_district(tx))
            rounds = round_tables.all_rounds(tx)
        as_of = self.wanted.as_of
        return Rounds(rounds, districts, activity_counts.first_day(as_of), as_of)

    def pages(self) -> Iterable[int]:
        """Read and count; gives how many children each page had."""
        after, size = 0, PAGE
        while self.keys - names.OF_NO_CHILD and size == PAGE:
            rows, records = self._page(after)
            for row, record in zip(rows, records, strict=True):
                self.counting.add(record, self._group(row))
            size = len(rows)
            after = rows[-1].id if rows else after
            yield size
        if names.NOTED in self.keys and self.wanted.as_of == self.today:
            self._add_deleted()

    def _page(self, after: int) -> tuple[list[ChildRow], list[ChildRecord]]:
        """The next children, and what the records say of each."""
        with self.runtime.database.read() as tx:
            rows = report_tables.children_after(tx, self.scope, self.wanted.as_of, after, PAGE)
            ids = [row.id for row in rows]
            doses = report_tables.doses_of(tx, ids, self.wanted.as_of)
            planned = report_tables.planned(tx, ids) if self._knows_plans() else set(ids)
            told = report_tables.reminders_of(tx, ids, self.before) if names.REACHED in self.keys else []
            seen = self._seen_at_home(tx, ids)
            invited = self._invited(tx, ids)
        given: dict[int, list[Given]] = defaultdict(list)
        assumed: dict[int, set[Given]] = defaultdict(set)
        for child_id, antigen, on, quality in doses:
            given[child_id].append(Given(antigen, on))
            if quality == "assumed":
                assumed[child_id].add(given[child_id][-1])
        reminders = self._reminders(told)
        records = [
            ChildRecord(
                row.born_on,
                row.birth_precision,
                row.profile,
                followed=row.status == "followed",
                doses=tuple(given[row.id]),
                assumed=frozenset(assumed[row.id]),
                planned=row.id in planned,
                seen_at_home=row.id in seen,
                reminders=tuple(reminders[row.id]),
                rounds=self.rounds.of(row.zone_id, invited[row.id]),
            )
            for row in rows
        ]
        return rows, records

    def _seen_at_home(self, tx: Connection, ids: Sequence[int]) -> set[int]:
        if names.AT_HOME not in self.keys:
            return set()
        as_of = self.wanted.as_of
        return report_tables.seen_at_home(tx, ids, activity_counts.first_day(as_of), as_of)

    def _invited(self, tx: Connection, ids: Sequence[int]) -> dict[int, list[report_tables.Invited]]:
        found: dict[int, list[report_tables.Invited]] = defaultdict(list)
        if self.rounds.days is not None:
            for one in report_tables.invited_to_rounds(tx, ids, *self.rounds.days, self.before):
                found[one.child_id].append(one)
        return found

    def _knows_plans(self) -> bool:
        """Appointments are those of today: of an earlier day nobody knows which waited then."""
        return names.CHECKED in self.keys and self.wanted.as_of == self.today

    def _group(self, row: ChildRow) -> str:
        if self.wanted.by == "zone":
            return self.zones.get(row.zone_id or 0, NO_ZONE)
        if self.wanted.by == "cohort":
            return f"{row.born_on:%Y-%m}" if row.born_on else "Sans date"
        return WHOLE

    def _reminders(self, told: Sequence[report_tables.ReminderRow]) -> dict[int, list[Reminded]]:
        found: dict[int, list[Reminded]] = defaultdict(list)
        for row in told:
            if row.state in TRIED:
                day = self.runtime.today(row.created_at)
                reminded = Reminded(day, tuple(row.doses.split(",")), row.state in LEFT, row.state == "delivered")
                found[row.child_id].append(reminded)
        return found

    def _add_deleted(self) -> None:
        """Children known only as counts, where all of their year is wanted."""
        with self.runtime.database.read() as tx:
            counted = tally_tables.care_counts(tx)
        for key, times in counted.items():
            if self._wants_year(key.born_in):
                self.counting.add_noted(key.born_in, key.measure, times)
                self.deleted += times if key.measure == "children" else 0

    def _wants_year(self, year: int) -> bool:
        if self.wanted.cohort is None:
            return True
        first, last = self.wanted.cohort
        return first <= date(year, 1, 1) and date(year, 12, 31) <= last


# --- messages -----------------------------------------------------------------------------------------------


def _about_messages(runtime: Runtime, reading: _Reading) -> list[Indicator]:
    """What is counted of messages and not of children, and what they cost."""
    if names.DELIVERED not in reading.keys:
        return []
    kept = _kept(runtime, reading)
    sent = kept
    if reading.scope.is_everybody:
        with runtime.database.read() as tx:
            sent = kept + _summed(report_tables.reminders_tallied(tx, reading.wanted.as_of))
    said = definitions(runtime.calendar, reading.rules)
    caught_up, _ = reading.counting.total(names.CAUGHT_UP, "Enfants")
    delivered = sent["messages", "delivered"]
    return [
        Indicator(said[names.DELIVERED], "Rappels", WHOLE, delivered, _tried(sent, "messages")),
        Indicator(said[names.DELIVERED_COST], "Rappels", WHOLE, _tried(sent, "cost") / 100, delivered),
        Indicator(said[names.CAUGHT_UP_COST], "Enfants", WHOLE, _tried(kept, "cost") / 100, caught_up),
    ]


Counts = Counter[tuple[str, str]]


def _kept(runtime: Runtime, reading: _Reading) -> Counts:
    """Reminders that are still there, a week at a time."""
    counts: Counts = Counter()
    with runtime.database.read() as tx:
        since = report_tables.oldest_message_at(tx)
    while since is not None and since < reading.before:
        until = min(since + WEEK_MS, reading.before)
        with runtime.database.read() as tx:
            counts += _summed(report_tables.reminders_sent(tx, reading.scope, since, until))
        since = until
    return counts


def _summed(rows: Iterable[Sent]) -> Counts:
    counts: Counts = Counter()
    for state, messages, cost in rows:
        counts["messages", state] += messages
        counts["cost", state] += cost
    return counts


def _tried(counts: Counts, what: str) -> int:
    return sum(counts[what, state] for state in TRIED)


# --- names of quartiers -------------------------------------------------------------------------------------


def _zone(zones: dict[int, str], written: str) -> int | None:
    """The quartier of this name, whatever its spelling; None when none is written."""
    if not written:
        return None
    known = built_in_places().zone_spelt(written)
    name = known.name if known else written
    for zone_id, its_name in zones.items():
        if its_name == name:
            return zone_id
    raise CannotReport(f"there is no quartier '{written}'; there are {', '.join(zones.values()) or 'none'}")
