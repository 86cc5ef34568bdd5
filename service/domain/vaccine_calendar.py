"""A vaccine calendar: dated data of one country, read strictly from `calendars/*.yaml`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from service.domain.ages import Span, read_span
from service.domain.data_files import CONFIDENCES, DataMistake, Table, parse
from service.domain.vaccine_plan import DoseRule, LateStart, Plan, Season, Series, Settings

FOLDER = Path(__file__).parent / "calendars"


class CalendarMistake(DataMistake):
    """A calendar cannot be used, or was asked for something it does not hold."""


class Parameter(NamedTuple):
    """A number that programmes may settle otherwise, with what is known about it."""

    value: int
    confidence: str
    assumption: bool
    why: str
    sources: tuple[str, ...]


class Visit(NamedTuple):
    """An appointment of the calendar: what a mother remembers, 'the six weeks visit'."""

    id: str
    at: Span
    doses: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Calendar:
    """Everything one calendar says. Unchanging: `with_parameters` gives another. Hashable, equal to itself only."""

    name: str
    country: str
    latest_source: str
    parameters: Mapping[str, Parameter]
    series: Mapping[str, Series]
    profiles: Mapping[str, tuple[str, ...]]  # profile -> series, in the order of ties
    choices: Mapping[str, tuple[str, ...]]  # "infant" -> profiles, the first that fits is taken
    visits: tuple[Visit, ...]
    zero_dose_antigen: str
    basic_doses: tuple[str, ...]
    drop_outs: tuple[tuple[str, str], ...]  # (first dose, last dose) of which reports tell who stopped on the way
    sources: Mapping[str, str]
    disabled: Mapping[str, str]
    settings: Settings
    _plans: Mapping[str, Plan] = field(repr=False, compare=False)

    def plan(self, profile: str) -> Plan:
        found = self._plans.get(profile)
        if found is None:
            raise CalendarMistake(f"{self.name}: profile {profile!r} is unknown; known: {', '.join(self.profiles)}")
        return found

    def visit(self, visit_id: str) -> Visit:
        for visit in self.visits:
            if visit.id == visit_id:
                return visit
        known = ", ".join(visit.id for visit in self.visits)
        raise CalendarMistake(f"{self.name}: visit {visit_id!r} is unknown; known: {known}")

    def dose(self, dose_id: str) -> tuple[Series, DoseRule]:
        for series in self.series.values():
            for rule in series.doses:
                if rule.id == dose_id:
                    return series, rule
        raise CalendarMistake(f"{self.name}: dose {dose_id!r} is unknown")

    def profile_for(self, district: str | None, choice: str = "infant", *, sex: str | None = None) -> str:
        """The first profile of the choice whose every series is given in this district and to this sex.

        An unknown district, or None, gets the profile without vaccines that only some districts have.
        """
        for profile in self.choices.get(choice, ()):
            if all(_is_given(self.series[name], district, sex) for name in self.profiles[profile]):
                return profile
        raise CalendarMistake(f"{self.name}: no profile of choice {choice!r} fits; known: {', '.join(self.choices)}")

    def with_parameters(self, **values: int) -> Calendar:
        """The same calendar with some numbers settled otherwise, as a programme decided."""
        for name, value in values.items():
            if name not in self.parameters:
                raise CalendarMistake(
                    f"{self.name}: parameter {name!r} is unknown; known: {', '.join(self.parameters)}"
                )
            if not isinstance(value, int) or value < 0:
                raise CalendarMistake(f"{self.name}: parameter {name!r} must be a whole number, 0 or more")
        if all(self.parameters[name].value == value for name, value in values.items()):
            return self
        settled = self.settings._replace(**values)
        parameters = {
            name: one._replace(value=values[name]) if name in values else one for name, one in self.parameters.items()
        }
        series = {name: _with_late_start(one, self.settings, settled) for name, one in self.series.items()}
        plans = _plans(self.profiles, series, settled, self.zero_dose_antigen, self.basic_doses)
        return replace(self, parameters=parameters, series=series, settings=settled, _plans=plans)


def load_calendar(text: str) -> Calendar:
    """The calendar written in this YAML text; raises CalendarMistake naming the place and the remedy."""
    file = Table(parse(text, CalendarMistake), "calendar", CalendarMistake)
    file.where = name = file.text("calendar")
    country, latest_source = file.text("country"), file.text("latest_source")
    file.text("title_fr")
    sources = file.plain("sources")
    parameters = {key: _parameter(part, sources) for key, part in file.named("parameters").items()}
    settings = _settings(parameters, name)
    series = {key: _series(key, part, settings, sources) for key, part in file.named("series").items()}
    profiles = {key: _profile(key, file.table("profiles"), series) for key in file.table("profiles").data}
    indicators = file.table("indicators")
    calendar = Calendar(
        name=name,
        country=country,
        latest_source=latest_source,
        parameters=parameters,
        series=series,
        profiles=profiles,
        choices=_choices(file.table("choices"), profiles),
        visits=_visits(file.tables("visits"), series),
        zero_dose_antigen=indicators.text("zero_dose_antigen"),
        basic_doses=_known_doses(indicators, "fully_immunised_basic", series),
        drop_outs=tuple(_drop_out(part, series) for part in indicators.maybe("drop_out", indicators.tables) or ()),
        sources=sources,
        disabled=_disabled(file, series),
        settings=settings,
        _plans={},
    )
    indicators.done()
    file.done()
    _doses_once(calendar)
    plans = _plans(profiles, series, settings, calendar.zero_dose_antigen, calendar.basic_doses)
    return replace(calendar, _plans=plans)


@cache
def built_in_calendar(name: str = "ml-pev-2026") -> Calendar:
    """A calendar that comes with the product."""
    path = FOLDER / f"{name}.yaml"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not path.is_file():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.yaml")))
        raise CalendarMistake(f"no calendar {name!r} comes with the product; known: {known}")
    return load_calendar(path.read_text(encoding="utf-8"))


def _plans(
    profiles: Mapping[str, tuple[str, ...]],
    series: Mapping[str, Series],
    settings: Settings,
    zero_dose_antigen: str,
    basic_doses: tuple[str, ...],
) -> Mapping[str, Plan]:
    return {
        profile: Plan([series[name] for name in names], settings, zero_dose_antigen, basic_doses)
        for profile, names in profiles.items()
    }


def _is_given(series: Series, district: str | None, sex: str | None) -> bool:
    if series.sex and sex and series.sex != sex:
        return False
    if not series.only_in_districts:
        return True
    return district is not None and _plain(district) in {_plain(known) for known in series.only_in_districts}


def _plain(name: str) -> str:
    """'Dioïla', 'dioila' and 'DIOILA ' are one district."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    return re.sub(r"[^a-z0-9]", "", letters)


def _with_late_start(one: Series, before: Settings, settled: Settings) -> Series:
    """A late start follows the two parameters it was read from."""
    if one.late_start is None or before == settled:
        return one
    return replace(one, late_start=_late_start(one.late_start.dose, settled))


def _late_start(dose: str, settings: Settings) -> LateStart:
    return LateStart(dose, Span(0, settings.late_dtp_start_months), Span(0, settings.late_dtp_interval_2_3_months))


def _parameter(part: Table, sources: Mapping[str, str]) -> Parameter:
    found = Parameter(
        value=part.whole("value"),
        confidence=part.one_of("confidence", CONFIDENCES),
        assumption=part.yes("assumption"),
        why=part.maybe("why", part.text) or "",
        sources=_cited(part, sources),
    )
    part.done()
    return found


def _settings(parameters: Mapping[str, Parameter], name: str) -> Settings:
    wanted, found = set(Settings._fields), set(parameters)
    if wanted - found:
        raise CalendarMistake(f"{name}: parameters: '{min(wanted - found)}' is missing")
    if found - wanted:
        known = ", ".join(Settings._fields)
        raise CalendarMistake(f"{name}: parameters: '{min(found - wanted)}' is not one of them; known: {known}")
    settings = Settings(**{key: parameter.value for key, parameter in parameters.items()})
    if settings.due_window_days > settings.defaulter_after_days:
        raise CalendarMistake(f"{name}: parameters: 'defaulter_after_days' must not be before 'due_window_days'")
    return settings


def _cited(part: Table, sources: Mapping[str, str]) -> tuple[str, ...]:
    cited = part.maybe_texts("sources")
    for key in cited:
        if key not in sources:
            raise CalendarMistake(f"{part.where}: source '{key}' is not in 'sources'")
    return cited


def _series(name: str, part: Table, settings: Settings, sources: Mapping[str, str]) -> Series:
    record_as = part.text("record_as")
    doses = tuple(_dose_rule(one, first=not n) for n, one in enumerate(part.tables("doses")))
    if not doses:
        raise CalendarMistake(f"{part.where}: 'doses' is empty")
    found = Series(
        name=name,
        record_as=record_as,
        protects_fr=part.text("protects_fr"),
        live=part.one_of("live", ("injectable", "oral", "no")),
        doses=doses,
        birth_dose_of=part.maybe("birth_dose_of", part.text),
        late_start=part.maybe("late_start", lambda key: _read_late_start(part.table(key), doses, settings)),
        only_in_districts=part.maybe_texts("only_in_districts"),
        sex=part.maybe("sex", lambda key: part.one_of(key, ("F", "M"))),
        confidence=part.plain("confidence"),
        sources=_cited(part, sources),
        why=part.text("why"),
    )
    part.maybe("notes", part.plain)
    part.done()
    _check_series(found, part.where)
    return found


def _dose_rule(part: Table, *, first: bool) -> DoseRule:
    rule = DoseRule(
        id=part.text("id"),
        recommended=part.maybe("recommended", lambda key: _span(part, key)),
        season=part.maybe("season", lambda key: _season(part.table(key))),
        min_age=_span(part, "min_age"),
        min_interval=part.maybe("min_interval", lambda key: _span(part, key)),
        before_age=part.maybe("before_age", lambda key: _span(part, key)),
    )
    part.done()
    if (rule.recommended is None) == (rule.season is None):
        raise CalendarMistake(f"{part.where}: give either 'recommended' or 'season'")
    if rule.season and first:
        raise CalendarMistake(f"{part.where}: a first dose has no dose before it: give 'recommended', not 'season'")
    return rule


def _span(part: Table, key: str) -> Span:
    span = read_span(part.text(key))
    if span is None:
        raise part.wrong(key, "like '42 days', '9 months' or '10 years'")
    return span


def _season(part: Table) -> Season:
    season = Season(part.whole("month", 1), part.whole("day", 1), part.whole("years_after_previous_dose", 1))
    part.done()
    if season.month > 12 or season.day > 28:
        raise CalendarMistake(f"{part.where}: month 1 to 12, day 1 to 28, so that it exists every year")
    return season


def _read_late_start(part: Table, doses: tuple[DoseRule, ...], settings: Settings) -> LateStart:
    dose = part.text("dose")
    part.one_of("first_dose_from", ("late_dtp_start_months",))
    part.one_of("interval", ("late_dtp_interval_2_3_months",))
    part.done()
    if dose not in [rule.id for rule in doses[1:]]:
        raise CalendarMistake(f"{part.where}: '{dose}' is not a later dose of this series")
    return _late_start(dose, settings)


def _check_series(series: Series, where: str) -> None:
    """What the engine takes for granted: confidences are known words and ages never go back."""
    for key, confidence in series.confidence.items():
        if confidence not in CONFIDENCES:
            raise CalendarMistake(f"{where}: confidence of '{key}' must be one of {', '.join(CONFIDENCES)}")
    before = 0
    for rule in series.doses:
        at = _about_days(rule.recommended or rule.min_age)
        if _about_days(rule.min_age) > at:
            raise CalendarMistake(f"{where}: {rule.id} is recommended before its 'min_age'")
        if rule.recommended and at < before:
            raise CalendarMistake(f"{where}: {rule.id} is recommended before the dose that goes before it")
        before = at if rule.recommended else before


def _about_days(span: Span) -> int:
    return span.days + span.months * 30


def _profile(key: str, part: Table, series: Mapping[str, Series]) -> tuple[str, ...]:
    names = part.texts(key)
    for name in names:
        if name not in series:
            raise CalendarMistake(f"{part.where}: {key}: series '{name}' is not in 'series'")
        birth_dose_of = series[name].birth_dose_of
        if birth_dose_of is not None and birth_dose_of not in names:
            raise CalendarMistake(f"{part.where}: {key}: '{name}' goes with '{birth_dose_of}', which is missing")
    by_antigen = [series[name].record_as for name in names if series[name].birth_dose_of is None]
    if len(set(names)) != len(names) or len(set(by_antigen)) != len(by_antigen):
        raise CalendarMistake(f"{part.where}: {key}: a series or an antigen is there twice")
    return names


def _choices(part: Table, profiles: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    choices = {str(key): part.texts(key) for key in part.data}
    for key, names in choices.items():
        for name in names:
            if name not in profiles:
                raise CalendarMistake(f"{part.where}: {key}: profile '{name}' is not in 'profiles'")
    return choices


def _visits(parts: list[Table], series: Mapping[str, Series]) -> tuple[Visit, ...]:
    visits = []
    for part in parts:
        visits.append(Visit(part.text("id"), _span(part, "at"), _known_doses(part, "doses", series)))
        part.done()
        if len(visits) > 1 and _about_days(visits[-1].at) <= _about_days(visits[-2].at):
            raise CalendarMistake(f"{part.where}: visits must be in order of age")
    return tuple(visits)


def _known_doses(part: Table, key: str, series: Mapping[str, Series]) -> tuple[str, ...]:
    doses = part.texts(key)
    known = {rule.id for one in series.values() for rule in one.doses}
    for dose in doses:
        if dose not in known:
            raise CalendarMistake(f"{part.where}: {key}: dose '{dose}' is in no series")
    return doses


def _drop_out(part: Table, series: Mapping[str, Series]) -> tuple[str, str]:
    doses = _known_doses(part, "doses", series)
    if len(doses) != 2:
        raise CalendarMistake(f"{part.where}: 'doses' must be two: the first and the last")
    part.done()
    return doses[0], doses[1]


def _disabled(file: Table, series: Mapping[str, Series]) -> Mapping[str, str]:
    """Known vaccines that must not produce reminders, with the reason."""
    disabled = {}
    for name, part in file.named("disabled").items():
        disabled[name] = part.text("why")
        part.maybe("confidence", lambda key, part=part: part.one_of(key, CONFIDENCES))  # type: ignore[misc]
        part.done()
        if name in series:
            raise CalendarMistake(f"{part.where}: '{name}' is both disabled and in 'series'")
    return disabled


def _doses_once(calendar: Calendar) -> None:
    """Dose ids are unique, and a birth dose and its series are recorded under one antigen."""
    ids = [rule.id for one in calendar.series.values() for rule in one.doses]
    twice = sorted({dose for dose in ids if ids.count(dose) > 1})
    if twice:
        raise CalendarMistake(f"{calendar.name}: dose '{twice[0]}' is there twice")
    for one in calendar.series.values():
        main = calendar.series.get(one.birth_dose_of or one.name)
        if main is None or main.record_as != one.record_as:
            raise CalendarMistake(f"{calendar.name}: {one.name}: 'birth_dose_of' must name a series recorded alike")
