"""A list of doses from the console: looked at, kept sealed for a moment, and written after a yes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from service.domain import dose_lists, retention_rules
from service.domain.dose_lists import Line
from service.domain.dose_words import DoseWord
from service.runtime import Runtime
from service.store import staff_tables
from service.store.staff_tables import Session
from service.stories.care import dose_import, dose_list_files
from service.stories.care.dose_import import Outcome

LARGEST = 1_000_000
WAITS_MS = retention_rules.HOUR_MS
MOST_ROWS = 1_000
"""A page answers while somebody waits, beside callers; longer lists are for the command line."""


class Seen(NamedTuple):
    """What a list would come to, and the number under which it waits; 0 where nothing would be written."""

    lines: int
    outcome: Outcome
    list_id: int


def look(runtime: Runtime, session: Session, data: bytes, name: str) -> Seen:
    """Check every line and keep those that could be read. Raises CannotOpen and NoColumns."""
    if len(data) > LARGEST:
        raise dose_list_files.CannotOpen(f"{name} dépasse {LARGEST // 1_000_000} Mo : coupez la liste en deux")
    found = dose_lists.read_list(dose_list_files.rows_of(data, name, MOST_ROWS), runtime.calendar)
    outcome = _take_in(runtime, session, found.lines, dry_run=True)
    outcome.refused = sorted([*outcome.refused, *found.unread])
    with runtime.database.begin() as tx:
        # What stands beside each line tells what is on record: it counts as reading, and so does finding nobody.
        staff_tables.note_reads(tx, session.staff.id, "import", outcome.child_ids or [None], runtime.now())
        if not outcome.doses:
            return Seen(len(found.cells), outcome, 0)
        list_id = staff_tables.keep_list(tx, session.id, _packed(found.lines), runtime.now())
    return Seen(len(found.cells), outcome, list_id)


def write(runtime: Runtime, session: Session, list_id: int) -> Outcome | None:
    """Write what was looked at; None when it waits no more. Twice does no harm."""
    with runtime.database.read() as tx:
        kept = staff_tables.kept_list(tx, session.id, list_id, runtime.now() - WAITS_MS)
    if kept is None:
        return None
    outcome = _take_in(runtime, session, _unpacked(kept), dry_run=False)
    with runtime.database.begin() as tx:
        staff_tables.drop_list(tx, list_id)
    return outcome


def _take_in(runtime: Runtime, session: Session, lines: Sequence[Line], *, dry_run: bool) -> Outcome:
    one = session.staff
    return dose_import.take_in(
        runtime, lines, one.signature, runtime.now(), lambda *_: None, dry_run=dry_run, remit=one.remit
    )


def _packed(lines: Sequence[Line]) -> str:
    return json.dumps([[one.number, one.code, one.doses, one.on.isoformat()] for one in lines])


def _unpacked(kept: str) -> list[Line]:
    return [
        Line(number, code, tuple(DoseWord(*dose) for dose in doses), date.fromisoformat(on))
        for number, code, doses, on in json.loads(kept)
    ]
