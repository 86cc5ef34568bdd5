"""Treatments, pregnancies and covers in figures: by whole months and for the whole programme, never by quartier.

In a quartier a month has one malnourished child or one pregnancy, and a figure of one is a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from sqlalchemy.engine import Connection

from service.domain import follow_up_counts as counts
from service.domain import indicator_definitions as names
from service.domain import local_time
from service.domain.ages import add_months
from service.domain.follow_up_counts import Contact, Counted, Followed
from service.domain.indicators import WHOLE, Definition, Indicator
from service.domain.muac import built_in_rules
from service.runtime import Runtime
from service.store import follow_up_facts, tally_tables
from service.store.tally_tables import FollowUpKey
from service.stories.homes.memberships import CONFIRMED, ENDED, REFUSED, RENEWED
from service.stories.staff.activity_counts import first_day

Said = Mapping[str, Definition]
ALL_ADMISSIONS, ALL_PREGNANCIES = "Toutes les admissions", "Toutes les grossesses"
SEVERITIES = {
    counts.SEVERE: "Sévère (rouge ou œdème)",
    counts.MODERATE: "Modérée (jaune)",
    "unknown": "Mesure inconnue",
}
OUTCOMES = {
    counts.RECOVERED: "Guéris",
    counts.DIED: "Décédés",
    counts.DEFAULTED: "Abandons",
    counts.NOT_RESPONDING: "Non-répondants",
}
OTHER_ENDS = {
    "transferred": "Transférés",
    "moved": "Partis ailleurs",
    "withdrawn": "Refus de la famille",
}
STANDS = ("Demandes en attente", "Couvertures en cours", "Dernier jour passé, sans nouvelle")
WORDS = {CONFIRMED: "Confirmées", RENEWED: "Prolongées", ENDED: "Terminées", REFUSED: "Demandes refusées"}


def of_treatments(tx: Connection, ids: Sequence[int]) -> Counter[FollowUpKey]:
    """What these treatments add to the counts."""
    rules = built_in_rules()
    return Counter(
        FollowUpKey(programme_id, *each)
        for programme_id, one in follow_up_facts.treated(tx, ids)
        for each in counts.of_treatment(rules, one)
    )


def of_follow_ups(tx: Connection, runtime: Runtime, ids: Sequence[int], today: date) -> Counter[FollowUpKey]:
    """What these follow-ups add to the counts, as they stand today."""
    made = follow_up_facts.contacts_made(tx, ids)
    asked: dict[int, list[follow_up_facts.AskedFor]] = {}
    for each in follow_up_facts.contacts_asked_for(tx, ids):
        asked.setdefault(each.follow_up_id, []).append(each)
    found: Counter[FollowUpKey] = Counter()
    for row in follow_up_facts.follow_ups(tx, ids):
        contacts = _contacts(runtime, asked.get(row.id, ()), made.get(row.id, {}))
        one = Followed(row.kind, row.opened_on, row.ended_on, contacts)
        found.update(FollowUpKey(row.programme_id, *each) for each in counts.of_follow_up(one, today))
    return found


def _contacts(
    runtime: Runtime, asked: Sequence[follow_up_facts.AskedFor], made: Mapping[str, date]
) -> tuple[Contact, ...]:
    """Each contact once: of one that was asked for on several days, the last, and the first message about any."""
    by_name = {name: Contact(name, None, None, None, on) for name, on in made.items()}
    for each in asked:
        before = by_name.get(each.contact, Contact(each.contact, None, None, None, None))
        told_on = before.told_on
        if each.told_at is not None:
            told = runtime.today(each.told_at)
            told_on = min(told, told_on or told)
        by_name[each.contact] = before._replace(on=each.on, lapses_on=each.lapses_on, told_on=told_on)
    return tuple(by_name.values())


# --- what a report shows ------------------------------------------------------------------------------------


def figures(runtime: Runtime, said: Said, keys: Iterable[str], as_of: date, today: date) -> list[Indicator]:
    """Those of these keys that are of treatments, pregnancies or covers, of the months that end with that of `as_of`.

    What stands today is asked of today only.
    """
    wanted = set(keys)
    found: list[Indicator] = []
    if wanted & names.OF_TREATMENTS:
        found += _of_treatments(said, _counted(runtime, follow_up_facts.treatments_after, of_treatments, as_of))
    if wanted & names.OF_PREGNANCIES:
        found += _of_pregnancies(
            said, _counted(runtime, follow_up_facts.follow_ups_after, _follow_ups(runtime, today), as_of)
        )
    if wanted & names.OF_COVERS:
        found += _of_covers(runtime, said, as_of, today)
    return [one for one in found if one.definition.key in wanted]


IdsAfter = Callable[[Connection, int], list[int]]
Read = Callable[[Connection, Sequence[int]], Counter[FollowUpKey]]
Counts = Counter[Counted]


def _follow_ups(runtime: Runtime, today: date) -> Read:
    return lambda tx, ids: of_follow_ups(tx, runtime, ids, today)


def _counted(runtime: Runtime, ids_after: IdsAfter, read: Read, as_of: date) -> Counts:
    """What stands, a page at a time, and what was counted of the rows that went."""
    first, last = first_day(as_of), as_of.replace(day=1)
    found: Counts = Counter()
    after: int | None = 0
    while after is not None:
        with runtime.database.read() as tx:
            ids = ids_after(tx, after)
            _add(found, read(tx, ids) if ids else Counter(), first, last)
        after = ids[-1] if len(ids) == follow_up_facts.PAGE else None
    with runtime.database.read() as tx:
        _add(found, tally_tables.follow_up_counts(tx, first, last), first, last)
    return found


def _add(found: Counts, more: Counter[FollowUpKey], first: date, last: date) -> None:
    for key, times in more.items():
        if first <= key.month <= last:
            found[Counted(key.month, key.measure)] += times


def _months(found: Counts) -> list[date]:
    return sorted({one.month for one in found})


def _sum(found: Counts, measure: str, month: date | None = None) -> int:
    """Of this month, or of all; of every measure that begins so where it ends with ':'."""
    return sum(
        times
        for one, times in found.items()
        if month in (None, one.month)
        and (one.measure.startswith(measure) if measure.endswith(":") else one.measure == measure)
    )


def _count(said: Definition, name: str, number: int) -> Indicator:
    return Indicator(said, name, WHOLE, number, None)


def _of_treatments(said: Said, found: Counts) -> list[Indicator]:
    admitted, ended, other = (said[key] for key in (names.ADMITTED, names.OUTCOMES, names.OTHER_ENDS))
    figures = [_count(admitted, ALL_ADMISSIONS, _sum(found, "admitted:"))]
    figures += [
        _count(admitted, words, _sum(found, f"admitted:{key}"))
        for key, words in SEVERITIES.items()
        if key != "unknown" or _sum(found, "admitted:unknown")
    ]
    figures += [_count(admitted, f"{each:%Y-%m}", _sum(found, "admitted:", each)) for each in _with(found, "admitted:")]
    figures += _outcomes(ended, found, None)
    for month in _months(found):
        figures += _outcomes(ended, found, month) if any(_ended(found, month).values()) else []
    return figures + [_count(other, words, _sum(found, f"ended:{key}")) for key, words in OTHER_ENDS.items()]


def _with(found: Counts, measure: str) -> list[date]:
    return [each for each in _months(found) if _sum(found, measure, each)]


def _ended(found: Counts, month: date | None) -> dict[str, int]:
    return {key: _sum(found, f"ended:{key}", month) for key in OUTCOMES}


def _outcomes(said: Definition, found: Counts, month: date | None) -> list[Indicator]:
    of = _ended(found, month)
    before = f"{month:%Y-%m} " if month else ""
    whole = sum(of.values())
    return [Indicator(said, f"{before}{words}", WHOLE, of[key], whole) for key, words in OUTCOMES.items()]


def _of_pregnancies(said: Said, found: Counts) -> list[Indicator]:
    opened, kept, made = (said[key] for key in (names.PREGNANCIES, names.CONTACTS_KEPT, names.CONTACTS_MADE))
    figures = [_count(opened, ALL_PREGNANCIES, _sum(found, "antenatal:opened"))]
    figures += [
        _count(opened, f"{each:%Y-%m}", _sum(found, "antenatal:opened", each))
        for each in _with(found, "antenatal:opened")
    ]
    for kind, words in (("antenatal", "Tous les contacts prénatals"), ("postnatal", "Tous les contacts postnatals")):
        sums = [_sum(found, f"{kind}:{what}:") for what in ("kept", "told", "made")]
        figures += [Indicator(kept, words, WHOLE, sums[0], sums[1]), _count(made, words, sums[2])]
    for kind, name in _contacts_of(found):
        sums = [_sum(found, f"{kind}:{what}:{name}") for what in ("kept", "told", "made")]
        line = counts.contact_fr(kind, name)
        figures += [Indicator(kept, line, WHOLE, sums[0], sums[1])] if sums[1] else []
        figures += [_count(made, line, sums[2])] if sums[2] else []
    return figures


def _contacts_of(found: Counts) -> list[tuple[str, str]]:
    parts = {tuple(one.measure.split(":")) for one in found if one.measure.count(":") == 2}
    return sorted({(each[0], each[2]) for each in parts}, key=lambda each: counts.contact_place(*each))


def _of_covers(runtime: Runtime, said: Said, as_of: date, today: date) -> list[Indicator]:
    since = local_time.start_of_day(first_day(as_of), runtime.zone)
    before = local_time.start_of_day(add_months(as_of.replace(day=1), 1), runtime.zone)
    with runtime.database.read() as tx:
        decided = follow_up_facts.decided_between(tx, list(WORDS), since, before)
        stands = follow_up_facts.covers_now(tx, today) if as_of == today else None
    months = Counter((runtime.today(at).replace(day=1), what) for what, at in decided)
    told = said[names.COVER_WORDS]
    figures = [
        _count(told, words, sum(times for (_, what), times in months.items() if what == key))
        for key, words in WORDS.items()
    ]
    for month in sorted({month for month, _ in months}):
        figures += [
            _count(told, f"{month:%Y-%m} {words}", months[month, key])
            for key, words in WORDS.items()
            if months[month, key]
        ]
    known = stands or (None, None, None)
    return figures + [
        Indicator(said[names.COVERS], words, WHOLE, number, None) for words, number in zip(STANDS, known, strict=True)
    ]
