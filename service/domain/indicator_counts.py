"""Counting children into indicators, one child after the other: memory follows the number of groups, not of children.

A child is compared with the calendar once, whatever is counted of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from service.domain import indicator_definitions as names
from service.domain.ages import add_months
from service.domain.indicator_definitions import ReportRules, definitions
from service.domain.indicators import WHOLE, Definition, Indicator
from service.domain.vaccination import Assessment, DoseError, Given, assess
from service.domain.vaccine_calendar import Calendar, CalendarMistake
from service.domain.vaccine_plan import BIRTH_DATES_REMEMBERED

CONTROLLED = "Contrôlés"
NO_BIRTHDAY = "Sans contrôle : date de naissance manquante"
DOSE_BEFORE_BIRTH = "Sans contrôle : dose notée avant la naissance"
BORN_LATER = "Sans contrôle : date de naissance après ce jour"
UNKNOWN_PROFILE = "Sans contrôle : calendrier inconnu"
NOT_PLANNED = "Sans contrôle : dose à venir, mais aucun rendez-vous"
REASONS = (NO_BIRTHDAY, BORN_LATER, DOSE_BEFORE_BIRTH, UNKNOWN_PROFILE, NOT_PLANNED)
ALL_DOSES = "Toutes les doses"
BASIC = "Base"
UNDER_FIVE = f"Moins de {names.UNDER_YEARS} ans"
EVERY_ROUND = "Tous les passages"
LEFT, ARRIVED = "message parti", "message remis"
CHILDREN, FULLY = "children", "fully_immunised"
"""Measures of the counts kept of deleted children; the others are `dose:PENTA:3`."""


class Reminded(NamedTuple):
    """A reminder that was tried: its local day, the doses of the contact it told of, whether it left or arrived."""

    on: date
    doses: tuple[str, ...]
    left: bool
    delivered: bool


class Expected(NamedTuple):
    """A round at which a child was expected, and whether a message about its day left, or arrived."""

    round: str
    left: bool
    arrived: bool


class ChildRecord(NamedTuple):
    """What the records say of a child on the day of the report; doses of later days are left out by whoever reads.

    `assumed` are the doses whose day nobody told. `planned`: an appointment waits for it. `seen_at_home`: by a
    mediator, in the months that are asked about.
    """

    born_on: date | None
    birth_precision: str
    profile: str
    followed: bool = True
    doses: tuple[Given, ...] = ()
    assumed: frozenset[Given] = frozenset()
    planned: bool = True
    seen_at_home: bool = False
    reminders: tuple[Reminded, ...] = ()
    rounds: tuple[Expected, ...] = ()


class _Ages(NamedTuple):
    """What follows from a birthday: doses whose age has come, the last timely day of each, old enough for zero-dose."""

    of_age: frozenset[str]
    timely_until: dict[str, date]
    zero_dose_counts: bool


def _cells() -> dict[str, list[int]]:
    return defaultdict(lambda: [0, 0])


class Counting:
    """Figures about the children added so far, for these indicators on this day."""

    def __init__(self, calendar: Calendar, rules: ReportRules, as_of: date, keys: Iterable[str] = names.ALL) -> None:
        self.calendar, self.rules, self.as_of = calendar, rules, as_of
        self.keys = frozenset(keys)
        self.bands = _bands(calendar, rules)
        self._five_since = add_months(as_of, -12 * names.UNDER_YEARS)
        # By group and indicator, then by name: [numerator, denominator].
        self._cells: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(_cells)
        self._antigens = {rule.id: one.record_as for one in calendar.series.values() for rule in one.doses}
        self._met: set[str] = set(calendar.basic_doses)
        self._ages: dict[tuple[str, date], _Ages] = {}
        self._noted: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def add(self, child: ChildRecord, group: str = WHOLE) -> None:
        """Count one child; `group` is its cohort or its quartier."""
        found, reason = self._compare(child)
        if names.NOTED in self.keys and child.born_on is not None:
            self._note(child, found)
        if not child.followed:
            return
        if names.CHECKED in self.keys:
            self._count(group, names.CHECKED, CONTROLLED, not reason)
            for one in REASONS:
                self._count(group, names.CHECKED, one, reason == one)
        if found is not None and child.born_on is not None:
            self._count_compared(child, child.born_on, found, group)
        if names.REACHED in self.keys and child.reminders:
            self._count_reach(child, found, group)
        if names.ROUND_TOLD in self.keys:
            self._count_rounds(child, group)
        if names.AT_HOME in self.keys and child.born_on is not None and self._five_since < child.born_on <= self.as_of:
            self._count(group, names.AT_HOME, UNDER_FIVE, child.seen_at_home)

    def add_noted(self, born_in: int, measure: str, times: int) -> None:
        """Children counted before they were deleted."""
        self._noted[str(born_in)][measure] += times

    # --- one child ------------------------------------------------------------------------------------------

    def _compare(self, child: ChildRecord) -> tuple[Assessment | None, str]:
        """Where the child stands, and why it counts as not checked; "" when it is."""
        if child.born_on is None:
            return None, NO_BIRTHDAY
        try:
            found = assess(self.calendar, child.profile, child.born_on, self.as_of, child.doses)
        except CalendarMistake:
            return None, UNKNOWN_PROFILE
        except DoseError as mistake:  # doses after the day were left out
            return None, BORN_LATER if mistake.code == "as_of_before_birth" else DOSE_BEFORE_BIRTH
        return found, "" if found.complete or child.planned else NOT_PLANNED

    def _count_compared(self, child: ChildRecord, born_on: date, found: Assessment, group: str) -> None:
        ages = self._ages.get((child.profile, born_on))
        if ages is None:
            ages = self._ages[child.profile, born_on] = self._work_out(child.profile, born_on)
        if names.COVERAGE in self.keys:
            self._count_coverage(ages, found, group)
        if names.TIMELY in self.keys and child.birth_precision == "day":
            self._count_timely(ages, child, found, group)
        if names.LATE in self.keys:
            late = max(((self.as_of - dose.due_on).days for dose in found.due), default=0)
            for name, first, last in self.bands:
                self._count(group, names.LATE, name, first <= late <= last)

    def _work_out(self, profile: str, born_on: date) -> _Ages:
        if len(self._ages) >= BIRTH_DATES_REMEMBERED:
            self._ages.clear()
        plan = self.calendar.plan(profile)
        self._met.update(rule.id for course in plan.courses for rule in course.doses)
        days = plan.days_of(born_on)
        recommended = {
            rule.id: age.recommended_on
            for course, ages in zip(plan.courses, days.doses, strict=True)
            for rule, age in zip(course.doses, ages, strict=True)
            if age.recommended_on is not None
        }
        within = timedelta(self.calendar.settings.timely_within_days)
        return _Ages(
            frozenset(dose for dose, on in recommended.items() if on <= self.as_of),
            {dose: on + within for dose, on in recommended.items()},
            days.zero_dose_from <= self.as_of,
        )

    def _count_coverage(self, ages: _Ages, found: Assessment, group: str) -> None:
        valid = {dose.dose for dose in found.valid}
        cells = self._cells[group, names.COVERAGE]
        for dose in ages.of_age:
            cell = cells[dose]
            cell[0] += dose in valid
            cell[1] += 1
        if found.fully_immunised_basic is not None and ages.of_age.issuperset(self.calendar.basic_doses):
            self._count(group, names.FULLY, BASIC, found.fully_immunised_basic)
        if found.penta_zero_dose is not None and ages.zero_dose_counts:
            self._count(group, names.ZERO_DOSE, self.calendar.zero_dose_antigen, found.penta_zero_dose)
        for first, last in self.calendar.drop_outs:
            if last in ages.of_age:
                cell = self._cells[group, names.DROP_OUT][_pair(first, last)]
                cell[0] += (first in valid) - (last in valid)
                cell[1] += first in valid

    def _count_timely(self, ages: _Ages, child: ChildRecord, found: Assessment, group: str) -> None:
        """As `indicators.is_timely` says of one dose: it is valid already, so only its last day is asked."""
        cells = self._cells[group, names.TIMELY]
        for dose, on in found.valid:
            until = ages.timely_until.get(dose)
            if until is None or (child.assumed and Given(self._antigens[dose], on) in child.assumed):
                continue
            for cell in (cells[ALL_DOSES], cells[dose]):
                cell[0] += on <= until
                cell[1] += 1

    def _count_reach(self, child: ChildRecord, found: Assessment | None, group: str) -> None:
        self._count(group, names.REACHED, "Enfants", any(one.delivered for one in child.reminders))
        left = [one for one in child.reminders if one.left]
        if left:
            given = {dose.dose: dose.on for dose in found.valid} if found else {}
            self._count(group, names.CAUGHT_UP, "Enfants", any(self._came(one, given) for one in left))

    def _count_rounds(self, child: ChildRecord, group: str) -> None:
        for one in child.rounds:
            for name in (EVERY_ROUND, one.round):
                self._count(group, names.ROUND_TOLD, f"{name}, {LEFT}", one.left)
                self._count(group, names.ROUND_TOLD, f"{name}, {ARRIVED}", one.arrived)

    def _came(self, reminder: Reminded, given: dict[str, date]) -> bool:
        until = reminder.on + timedelta(self.rules.caught_up_days)
        return any(dose in given and reminder.on <= given[dose] <= until for dose in reminder.doses)

    def _note(self, child: ChildRecord, found: Assessment | None) -> None:
        """The measures that are kept of a child when its row goes (`stories.tallies`): both add up."""
        assert child.born_on is not None
        noted = self._noted[str(child.born_on.year)]
        noted[CHILDREN] += 1
        had: dict[str, int] = defaultdict(int)
        for dose in child.doses:
            had[dose.antigen] += 1
            noted[f"dose:{dose.antigen}:{had[dose.antigen]}"] += 1
        if found is not None and found.fully_immunised_basic:
            noted[FULLY] += 1

    # --- cells ----------------------------------------------------------------------------------------------

    def _count(self, group: str, key: str, name: str, counts: bool) -> None:
        cell = self._cells[group, key][name]
        cell[0] += counts
        cell[1] += 1

    def total(self, key: str, name: str) -> tuple[int, int]:
        """Numerator and denominator over all groups."""
        found = [cells[name] for (_, of), cells in self._cells.items() if of == key and name in cells]
        return sum(cell[0] for cell in found), sum(cell[1] for cell in found)

    # --- the result -----------------------------------------------------------------------------------------

    def indicators(self) -> list[Indicator]:
        """Every figure: for each name the whole, then its groups in order. Nobody counted: 0 of 0, value None."""
        said = definitions(self.calendar, self.rules)
        groups = sorted({group for group, _ in self._cells} - {WHOLE})
        figures: list[Indicator] = []
        for key, rows in self._rows().items():
            for name in rows if key in self.keys else ():
                figures.append(Indicator(said[key], name, WHOLE, *self.total(key, name)))
                for group in groups:
                    top, bottom = self._cells.get((group, key), {}).get(name, (0, 0))
                    figures.append(Indicator(said[key], name, group, top, bottom))
        if names.NOTED in self.keys:
            figures += self._noted_figures(said[names.NOTED])
        return figures

    def _rows(self) -> dict[str, Sequence[str]]:
        series = self.calendar.series.values()
        aged = [rule.id for one in series for rule in one.doses if rule.recommended and rule.id in self._met]
        return {
            names.COVERAGE: aged,
            names.FULLY: [BASIC],
            names.ZERO_DOSE: [self.calendar.zero_dose_antigen],
            names.DROP_OUT: [_pair(*one) for one in self.calendar.drop_outs],
            names.TIMELY: [ALL_DOSES, *aged],
            names.CHECKED: [CONTROLLED, *REASONS],
            names.LATE: [name for name, _, _ in self.bands],
            names.REACHED: ["Enfants"],
            names.CAUGHT_UP: ["Enfants"],
            names.ROUND_TOLD: self._rounds(),
            names.AT_HOME: [UNDER_FIVE],
        }

    def _rounds(self) -> list[str]:
        """All rounds together, then each."""
        every = [f"{EVERY_ROUND}, {what}" for what in (LEFT, ARRIVED)]
        met = {name for (_, of), cells in self._cells.items() if of == names.ROUND_TOLD for name in cells}
        return [*every, *sorted(met - set(every))]

    def _noted_figures(self, said: Definition) -> list[Indicator]:
        years = sorted(self._noted)
        measures = {measure for noted in self._noted.values() for measure in noted if measure != CHILDREN}
        known = sorted((one for one in measures if one == FULLY or one.startswith("dose:")), key=self._place())
        return [
            Indicator(said, _measure_fr(measure), year, self._noted[year].get(measure, 0), self._noted[year][CHILDREN])
            for measure in known
            for year in years
        ]

    def _place(self) -> Callable[[str], tuple[int, str]]:
        """Antigens in the calendar's order."""
        order = list(dict.fromkeys(one.record_as for one in self.calendar.series.values()))
        return lambda measure: (
            order.index(measure.split(":")[1]) if measure.count(":") and measure.split(":")[1] in order else len(order),
            measure,
        )


def _bands(calendar: Calendar, rules: ReportRules) -> list[tuple[str, int, int]]:
    """(name, first day, last day) of the bands of days late, up to date first; the calendar's own bounds and ours."""
    settings = calendar.settings
    bounds = sorted({settings.due_window_days, settings.defaulter_after_days, rules.long_late_days} - {0})
    bands = [("À jour", 0, 0)]
    for last in bounds:
        first = bands[-1][2] + 1
        bands.append((f"{first} à {last} jours" if last > first else f"{last} jour(s)", first, last))
    return [*bands, (f"Plus de {bounds[-1]} jours", bounds[-1] + 1, 10**6)]


def _pair(first: str, last: str) -> str:
    return f"{first} → {last}"


def _measure_fr(measure: str) -> str:
    if measure == FULLY:
        return "Complètement vaccinés (base)"
    _, antigen, number = measure.split(":")
    return f"{antigen}, {number} dose" + ("s" if number != "1" else "")
