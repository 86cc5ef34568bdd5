"""A list of doses taken in: every line checked first, then the good ones written child by child, in short transactions.

All lines of a child are written together, in the order of their days. So a run that was cut leaves no child half done,
and the same list again finds on record what it wrote before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.domain import dose_words
from service.domain.dose_lists import Line, Refusal
from service.domain.dose_words import DoseWord
from service.domain.vaccination import Given
from service.runtime import Runtime
from service.store import care_tables, people_tables
from service.store.people_tables import Child
from service.store.staff_tables import Remit
from service.stories.care import care
from service.stories.keeping import paged_work
from service.stories.keeping.paged_work import Page
from service.stories.recall import recalls
from service.stories.staff import mediator_doses
from service.stories.staff.mediator_doses import Noted

SOURCE = "list"
CHECKED_AT_ONCE, WRITTEN_AT_MOST = 500, 200
"""Children. Reading keeps nobody waiting; pages of writing grow and shrink by themselves (`paged_work`)."""
REASONS = {
    "too_young": "ne compte pas, enfant trop jeune ce jour",
    "interval_too_short": "ne compte pas, trop près de la dose d'avant",
    "live_spacing": "ne compte pas, trop près d'une autre dose vivante",
    "counted_as": "est comptée {dose} : les doses d'avant ne sont pas au dossier",
    "one_before_invalid": "est comptée {dose} : une dose d'avant ne comptait pas",
}


class Verdict(NamedTuple):
    """What becomes of one line: the doses it adds, or why it is refused; neither when all is on record already.

    `taken_back_by`: who took the dose back, where that is why; it may be a name.
    """

    line: Line
    new: tuple[DoseWord, ...] = ()
    why_not: str = ""
    remarks: tuple[str, ...] = ()
    taken_back_by: str = ""


@dataclass
class Outcome:
    """Lines in the order of the file. `remarks` are about doses that were taken and do not count, or as another one.

    `child_ids`: whom the lines were about. `tells_who`: refusals say who took a dose back.
    """

    tells_who: bool = True
    child_ids: tuple[int, ...] = ()
    doses: int = 0
    children: int = 0
    known: int = 0
    refused: list[Refusal] = field(default_factory=list)
    remarks: list[Refusal] = field(default_factory=list)

    def add(self, verdicts: Iterable[Verdict]) -> None:
        for one in verdicts:
            if one.why_not:
                by = f" par {one.taken_back_by}" if one.taken_back_by and self.tells_who else ""
                self.refused.append(Refusal(one.line.number, one.why_not + by))
                continue
            self.doses += len(one.new)
            self.known += not one.new
            self.remarks += [Refusal(one.line.number, words) for words in one.remarks]

    def in_order(self) -> Outcome:
        self.refused.sort()
        self.remarks.sort()
        return self


class Signed(NamedTuple):
    """Who writes, when, about whose children (None: everybody's), and where it comes from."""

    by: str
    now: int
    remit: Remit | None = None
    source: str = SOURCE


Progress = Callable[[str, int, int], None]
"""Hears what is done, how many children of how many."""


def take_in(
    runtime: Runtime,
    lines: Sequence[Line],
    by: str,
    now: int,
    progress: Progress,
    *,
    dry_run: bool,
    remit: Remit | None = None,
) -> Outcome:
    """Check everything, then write what is good, unless it was only asked what it would come to.

    What a line comes to is judged anew when it is written: somebody may have written the same meanwhile. Whoever is
    not within the `remit` is told of as nobody is, and with a remit nobody is named who took a dose back.
    """
    checked, outcome = Outcome(tells_who=remit is None), Outcome(tells_who=remit is None)
    once, twice = _told_once(lines)
    by_code: dict[str, list[Line]] = defaultdict(list)
    for line in once:
        by_code[line.code].append(line)
    by_child: dict[int, list[Line]] = {}
    homes: dict[int, int] = {}
    codes = sorted(by_code)
    for start in range(0, len(codes), CHECKED_AT_ONCE):
        page = codes[start : start + CHECKED_AT_ONCE]
        with runtime.database.read() as tx:
            found = [one for one in people_tables.children_of_codes(tx, page) if remit is None or remit.has(one)]
            records = _records(tx, [one.id for one in found])
        for child in found:
            by_child[child.id], homes[child.id] = by_code[child.code], child.household_id
            checked.add(_judge(runtime, child, records[child.id], by_code[child.code], runtime.today(now)))
        for code in set(page) - {child.code for child in found}:
            outcome.refused += [Refusal(line.number, "aucun enfant n'a ce code") for line in by_code[code]]
        progress("checked", min(start + CHECKED_AT_ONCE, len(codes)), len(codes))
    outcome.refused += twice
    if dry_run:
        checked.refused += outcome.refused
        checked.children, checked.child_ids = len(by_child), tuple(by_child)
        return checked.in_order()
    # In the order of households, as everybody locks several of them: nobody waits for somebody who waits for him.
    order = sorted(by_child, key=lambda child_id: (homes[child_id], child_id))
    _write(runtime, order, by_child, Signed(by, now, remit), outcome, progress)
    outcome.children, outcome.child_ids = len(by_child), tuple(by_child)
    return outcome.in_order()


def _told_once(lines: Iterable[Line]) -> tuple[list[Line], list[Refusal]]:
    """The lines without those that tell a dose of a day again."""
    seen: dict[tuple[str, str, date], int] = {}
    once, twice = list[Line](), list[Refusal]()
    for line in lines:
        doses = [(line.code, dose.antigen, line.on) for dose in line.doses]
        before = next((seen[one] for one in doses if one in seen), None)
        if before is not None:
            twice.append(Refusal(line.number, f"le même vaccin le même jour qu'à la ligne {before}"))
            continue
        once.append(line)
        seen |= dict.fromkeys(doses, line.number)
    return once, twice


# --- what is on record --------------------------------------------------------------------------------------


class Record(NamedTuple):
    """The doses of a child that stand, and who took back the others."""

    given: list[Given]
    taken_back: dict[tuple[str, date], str]


def _records(tx: Connection, children: Sequence[int]) -> dict[int, Record]:
    records = {child_id: Record([], {}) for child_id in children}
    for one in care_tables.known_doses(tx, children):
        if one.stands:
            records[one.child_id].given.append(Given(one.antigen, one.given_on))
        else:
            records[one.child_id].taken_back[one.antigen, one.given_on] = one.voided_by or ""
    return records


def judge_child(tx: Connection, runtime: Runtime, child: Child, lines: Sequence[Line], today: date) -> list[Verdict]:
    """What would become of these lines; nothing is written."""
    return _judge(runtime, child, _records(tx, [child.id])[child.id], lines, today)


def _judge(runtime: Runtime, child: Child, record: Record, lines: Sequence[Line], today: date) -> list[Verdict]:
    """What becomes of a child's lines, one after the other as the doses were given; `record` is left as it is."""
    given = list(record.given)
    verdicts = []
    for line in sorted(lines, key=lambda one: (one.on, one.number)):
        try:
            verdict = _judge_line(runtime, child, record, given, line, today)
        except mediator_doses.Refused as reason:
            verdict = Verdict(line, why_not=_SAID[reason.phrase].format_map(reason.slots))
        given += [Given(dose.antigen, line.on) for dose in verdict.new]
        verdicts.append(verdict)
    return verdicts


_SAID = {
    "unknown": "{word} n'est pas au calendrier de cet enfant : {doses}",
    "birth_dose": "{word} est la dose de naissance, et l'enfant était trop grand ce jour",
}


def _judge_line(
    runtime: Runtime, child: Child, record: Record, given: Sequence[Given], line: Line, today: date
) -> Verdict:
    if child.status != "followed":
        return Verdict(line, why_not="cet enfant n'est plus suivi")
    if line.on > today:
        return Verdict(line, why_not=f"le {line.on:%d/%m/%Y} n'est pas encore venu")
    if line.on < child.born_on:
        return Verdict(line, why_not=f"le {line.on:%d/%m/%Y} est avant la naissance")
    mediator_doses.check_doses(runtime, child, line.doses, line.on)
    calendar = runtime.calendar
    before = care.assess_doses(runtime, child, given, line.on)
    new = []
    for dose in line.doses:
        if Given(dose.antigen, line.on) in given:
            continue
        if (dose.antigen, line.on) in record.taken_back:
            who = record.taken_back[dose.antigen, line.on]
            why = f"{dose.antigen} de ce jour a été retirée du dossier"
            return Verdict(line, why_not=why, taken_back_by=who)
        if mediator_doses.is_known(calendar, dose, line.on, given, before):
            word = dose_words.written(dose)
            return Verdict(line, why_not=f"{word} est déjà au dossier avec une autre date : comparez avec le carnet")
        new.append(dose)
    if not new:
        return Verdict(line)
    after = care.assess_doses(runtime, child, [*given, *(Given(one.antigen, line.on) for one in new)], line.on)
    remarks = [
        words for dose in new for words in _remarks(dose, mediator_doses.noted(calendar, dose, line.on, before, after))
    ]
    return Verdict(line, tuple(new), remarks=tuple(remarks))


def _remarks(dose: DoseWord, found: Noted) -> list[str]:
    said = [*found.reasons, *([found.remark] if found.remark else [])]
    return [f"{dose_words.written(dose)} {REASONS[one].format(dose=found.dose)}" for one in said]


# --- written ------------------------------------------------------------------------------------------------


def _write(
    runtime: Runtime,
    order: Sequence[int],
    by_child: dict[int, list[Line]],
    signed: Signed,
    outcome: Outcome,
    progress: Progress,
) -> None:
    done = 0
    verdicts: list[Verdict] = []

    def find(_: Connection, place: int, size: int) -> Page:
        until = place + size
        return Page(order[place:until], until if until < len(order) else None)

    def act(tx: Connection, children: Sequence[int]) -> int:
        verdicts[:] = [said for one in children for said in write_child(tx, runtime, one, by_child[one], signed)]
        return len(children)

    for page in paged_work.in_pages(runtime.database, find, act, 0 if order else None, most=WRITTEN_AT_MOST):
        outcome.add(verdicts)
        done += page.rows
        progress("written", done, len(order))


def write_child(
    tx: Connection, runtime: Runtime, child_id: int, lines: Sequence[Line], signed: Signed
) -> list[Verdict]:
    """Write the lines of a child that can be and plan it anew; gives what became of each."""
    child = people_tables.find_child(tx, id=child_id)  # ours from here on: it moves nowhere
    if child is None or not (signed.remit is None or signed.remit.has(child)):
        return [Verdict(line, why_not="aucun enfant n'a ce code") for line in lines]
    verdicts = judge_child(tx, runtime, child, lines, runtime.today(signed.now))
    for verdict in verdicts:
        for dose in verdict.new:
            care_tables.add_dose(
                tx,
                child.id,
                dose.antigen,
                verdict.line.on,
                source=signed.source,
                date_quality="seen",
                recorded_by=signed.by,
                recorded_at=signed.now,
            )
    if any(verdict.new for verdict in verdicts):
        recalls.replan(tx, runtime, child.id, signed.now)
    return verdicts
