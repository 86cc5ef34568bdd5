"""A mutual's list taken in: every line checked first, and nothing written while one of them is wrong.

Then in short transactions, so that no caller waits: a run that was cut is gone on with by the same list again, in which
what was written before is known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, NamedTuple

from sqlalchemy.engine import Connection

from service.domain.cover_lists import NUMBER, UNTIL, Line, about, told_once
from service.domain.dose_lists import Refusal
from service.runtime import Runtime
from service.store import mutual_tables
from service.store.decision_tables import note_decision
from service.store.mutual_tables import Standing
from service.stories.homes import memberships
from service.stories.homes.memberships import CONFIRMED, CORRECTED, ENDED, RENEWED
from service.stories.keeping import paged_work
from service.stories.keeping.paged_work import Page

LIST = "cover list"
"""How the book of decisions names a list as a whole."""
KNOWN = "known"
"""A line that says what stands already."""
CHECKED_AT_ONCE, WRITTEN_AT_MOST = 500, 200
FAR: Final = timedelta(2 * 366)
"""A last day further off is looked at: a year is easily mistyped."""
STATES_FR: Final = {"requested": "en attente", "active": "confirmée", "refused": "refusée", "ended": "terminée"}
Progress = Callable[[str, int, int], None]
"""Hears what is done, how many lines of how many."""


class Verdict(NamedTuple):
    """What becomes of a line: how the book will name it, or why it is refused; `remark`: taken, and to be looked at."""

    line: Line
    what: str = ""
    why_not: str = ""
    remark: str = ""
    household_id: int = 0


@dataclass
class Outcome:
    """How many lines came to what, as the book names it; `is_written`: all of them but those that are refused."""

    came_to: Counter[str] = field(default_factory=Counter)
    refused: list[Refusal] = field(default_factory=list)
    remarks: list[Refusal] = field(default_factory=list)
    is_written: bool = False


def take_in(
    runtime: Runtime,
    lines: Sequence[Line],
    unread: Sequence[Refusal],
    by: str,
    now: int,
    progress: Progress,
    *,
    dry_run: bool,
) -> Outcome:
    """Confirm the covers of these lines, or end those without a day; all of them, or none while a line is wrong.

    `unread` are the lines that could not be read. A line that somebody made wrong meanwhile is left out and told.
    """
    once, twice = told_once(lines)
    verdicts = _judged(runtime, once, runtime.today(now), progress)
    outcome = Outcome(
        Counter(one.what for one in verdicts if one.what),
        sorted([*unread, *twice, *(Refusal(one.line.row, one.why_not) for one in verdicts if one.why_not)]),
        [Refusal(one.line.row, one.remark) for one in verdicts if one.remark],
    )
    if not outcome.refused and not dry_run:
        outcome.refused = _write(runtime, [one for one in verdicts if one.what != KNOWN], by, now, progress)
        outcome.is_written, changed = True, {one.number for one in outcome.refused}
        outcome.came_to = Counter(one.what for one in verdicts if one.line.row not in changed)
        with runtime.database.begin() as tx:
            note_decision(tx, now, by, LIST, ", ".join(f"{n} {what}" for what, n in sorted(outcome.came_to.items())))
    return outcome


def _judged(runtime: Runtime, lines: Sequence[Line], today: date, progress: Progress) -> list[Verdict]:
    verdicts: list[Verdict] = []
    for start in range(0, len(lines), CHECKED_AT_ONCE):
        page = lines[start : start + CHECKED_AT_ONCE]
        with runtime.database.read() as tx:
            standing = mutual_tables.standing_of(tx, [line.number for line in page])
        verdicts += [_judge(line, standing.get(line.number), today) for line in page]
        progress("checked", start + len(page), len(lines))
    return verdicts


def _judge(line: Line, stands: Standing | None, today: date) -> Verdict:
    if stands is None:
        return Verdict(line, why_not=about(NUMBER, line.number, "aucune demande n'a ce numéro"))
    found = _to_end(line, stands) if line.until is None else _to_confirm(line, line.until, stands, today)
    return found._replace(household_id=stands.household_id)


def _to_end(line: Line, stands: Standing) -> Verdict:
    if stands.state == "ended":
        return Verdict(line, KNOWN)
    if stands.state != "active":
        why = f"la demande est {STATES_FR[stands.state]} : seule une couverture confirmée se termine"
        return Verdict(line, why_not=about(NUMBER, line.number, why))
    return Verdict(line, ENDED)


def _to_confirm(line: Line, until: date, stands: Standing, today: date) -> Verdict:
    if stands.state not in mutual_tables.STANDING:
        why = f"elle est {STATES_FR[stands.state]} : la famille fait une nouvelle demande"
        return Verdict(line, why_not=about(NUMBER, line.number, why))
    if until < today:
        return Verdict(line, why_not=about(UNTIL, f"{until:%d/%m/%Y}", "ce jour est passé"))
    remark = f"{until:%d/%m/%Y} est dans plus de deux ans" if until > today + FAR else ""
    what = memberships.what_changes(stands.state, stands.paid_until, until)
    if what == CORRECTED:
        remark = f"{until:%d/%m/%Y} est plus tôt que le jour noté, {stands.paid_until:%d/%m/%Y}"
    return Verdict(line, what or KNOWN, remark=remark)


def _write(runtime: Runtime, verdicts: Sequence[Verdict], by: str, now: int, progress: Progress) -> list[Refusal]:
    """Page by page in the order of households, as whoever locks several does; gives what became wrong meanwhile."""
    order = sorted(verdicts, key=lambda one: (one.household_id, one.line.number))
    refused: list[Refusal] = []
    here: list[Refusal] = []
    done = 0

    def find(_: Connection, place: int, size: int) -> Page:
        until = place + size
        return Page(order[place:until], until if until < len(order) else None)

    def act(tx: Connection, page: Sequence[Verdict]) -> int:
        here[:] = [why for one in page if (why := _say(tx, runtime, one.line, by, now)) is not None]
        return len(page)

    for page in paged_work.in_pages(runtime.database, find, act, 0 if order else None, most=WRITTEN_AT_MOST):
        refused += here
        done += page.rows
        progress("written", done, len(order))
    return sorted(refused)


def _say(tx: Connection, runtime: Runtime, line: Line, by: str, now: int) -> Refusal | None:
    try:
        if line.until is None:
            memberships.end(tx, runtime, line.number, by, now)
        else:
            memberships.confirm(tx, runtime, line.number, line.until, by, now)
    except memberships.Refused:
        return Refusal(line.row, about(NUMBER, line.number, "elle a changé pendant l'import"))
    return None


SAID: Final = {
    CONFIRMED: "confirmed",
    RENEWED: "renewed",
    CORRECTED: "corrected",
    ENDED: "ended",
    KNOWN: "known already",
}
