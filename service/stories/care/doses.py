"""Doses recorded: checked, written once, and the child's plan made anew."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from sqlalchemy.engine import Connection

from service.domain import dose_words
from service.runtime import Runtime
from service.store import care_tables, people_tables
from service.stories.care import care
from service.stories.recall import recalls


class Refused(Exception):
    """A dose that cannot be; the text says which and why, and nothing was written."""


def record_doses(
    tx: Connection, runtime: Runtime, code: str, antigens: Sequence[str], on: date, *, source: str, by: str, now: int
) -> list[str]:
    """Write what was given on that day, replan the child, cancel what waited to be said. Gives what was new.

    `antigens` may be given as doses too (PENTA2 counts as PENTA): which dose it is follows from the history.
    """
    child = people_tables.find_child(tx, code=re.sub(r"\D", "", code))
    if child is None:
        raise Refused("no child has this code; it has eight digits, as on the booklet")
    known = care.antigens_of(runtime, child)
    wanted = [antigen_of(word, runtime, known) for word in antigens if word.strip()]
    if on > runtime.today(now):
        raise Refused(f"{on:%d/%m/%Y} is in the future")
    if on < child.born_on:
        raise Refused(f"{on:%d/%m/%Y} is before the child's birth")
    new = [
        antigen
        for antigen in dict.fromkeys(wanted)
        if care_tables.add_dose(
            tx, child.id, antigen, on, source=source, date_quality="seen", recorded_by=by, recorded_at=now
        )
    ]
    recalls.replan(tx, runtime, child.id, now)
    return new


def antigen_of(word: str, runtime: Runtime, known: Sequence[str]) -> str:
    """The antigen of this word, spelled as in an SMS: PENTA2, penta 2, VPO. Raises Refused."""
    try:
        read = dose_words.read_doses(word, runtime.calendar)
    except dose_words.NotRead:
        read = ()
    if len(read) == 1 and read[0].antigen in known:
        return read[0].antigen
    raise Refused(f"'{word}' is not an antigen of this child's calendar; it has {', '.join(known)}")
