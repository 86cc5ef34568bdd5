"""Keeping nothing longer than promised: the table of `service.domain.retention_rules`, carried out.

What is old is found by reading, and goes in short transactions with a pause after each: a caller's keystroke never
waits for us. A page that is done is done: whoever is stopped on the way goes on from there the next time.

Nothing of this can be taken back, so a clock that jumped must not start it: only after a day of watching time go by is
anything of the night's rules carried out (a demo's clock is meant to jump).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from service.clock import DAY_MS, is_demo
from service.domain.retention_rules import RULES, Rule
from service.logs import log
from service.runtime import Runtime
from service.store.retention_notes import Notes, keep_notes, read_notes
from service.store.system_tables import count
from service.stories.delivery import dispatch_gate
from service.stories.keeping.paged_work import Done, in_pages
from service.stories.keeping.retention_sweeps import SWEEPS, Night, Sweep

NIGHT = range(1, 5)
"""The hours in which nobody dials. A night that was missed is made up for at any hour."""
SLICE_S = 30.0
"""One thread of the worker is ours for so long; the next look goes on."""
LONGEST_GAP_MS = 2 * DAY_MS
"""Whoever looks every few minutes and finds more than this gone by was off, or its clock jumped."""
SKEW_MS = 5 * 60_000
"""So much may the clock of the worker that led before have been ahead."""


class ClockJumped(Exception):
    """Dispatch stands still because the clock jumped: nothing is deleted by such a clock."""


def forget(runtime: Runtime) -> dict[str, int]:
    """For the timetable, every few minutes: the hour's rules, and at night a slice of the night's; rows by rule."""
    now = runtime.now()
    if _clock_jumped(runtime):
        log.error("retention_waits", reason="the clock jumped")
        return {}
    notes = _looked(runtime, now)
    done = {rule.name: _safely(runtime, rule, now).rows for rule in RULES if rule.when == "hour"}
    if _is_due(runtime, notes, now):
        done |= _night(runtime, notes, now)
    _let_go(runtime, done)
    return done


def purge(runtime: Runtime, names: Sequence[str] = (), *, dry_run: bool = False) -> dict[str, int]:
    """Carry out these rules now, or all of them; gives rows by rule. A dry run counts and changes nothing.

    It counts what may go as things stand: people and phones that become free by a child's going are not yet among them.
    """
    if _clock_jumped(runtime):
        raise ClockJumped
    now = runtime.now()
    rules = [rule for rule in RULES if rule.when != "elsewhere" and (not names or rule.name in names)]
    if dry_run:
        with runtime.database.read() as tx:
            return {rule.name: SWEEPS[rule.name].count(tx, Night(runtime, rule, now)) for rule in rules}
    done = {rule.name: _sweep(runtime, rule, now).rows for rule in rules}
    _let_go(runtime, done)
    return done


def _clock_jumped(runtime: Runtime) -> bool:
    with runtime.database.read() as tx:
        return any(one.reason == "clock" for one in dispatch_gate.closed(tx))


# --- when it is time ----------------------------------------------------------------------------------------


def _looked(runtime: Runtime, now: int) -> Notes:
    """Note that we looked. After a gap, or a step back, watching begins anew."""
    with runtime.database.begin() as tx:
        notes = read_notes(tx)
        if not -SKEW_MS <= now - notes.looked <= LONGEST_GAP_MS:
            notes = notes._replace(since=now)
        notes = notes._replace(looked=now)
        keep_notes(tx, notes)
    return notes


def _is_due(runtime: Runtime, notes: Notes, now: int) -> bool:
    today = runtime.today(now)
    if notes.done_on == today.isoformat() or (now - notes.since < DAY_MS and not is_demo(runtime.database)):
        return False
    missed = notes.done_on < (today - timedelta(1)).isoformat()
    return runtime.local(now).hour in NIGHT or missed


def _night(runtime: Runtime, notes: Notes, now: int) -> dict[str, int]:
    """The night's rules from where the last slice stopped, until they are through or the time is up."""
    until = time.monotonic() + SLICE_S
    rules = [rule for rule in RULES if rule.when == "night"]
    begun = next((place for place, rule in enumerate(rules) if rule.name == notes.rule), 0)
    done = {}
    for rule in rules[begun:]:
        here = _safely(runtime, rule, now, notes.place if rule.name == notes.rule else None, until)
        done[rule.name] = here.rows
        notes = notes._replace(rows=notes.rows | {rule.name: notes.rows.get(rule.name, 0) + here.rows})
        if here.place is not None:
            return _noted(runtime, notes._replace(rule=rule.name, place=here.place), done)
    log.info("kept_no_longer", **{name: rows for name, rows in notes.rows.items() if rows})
    today = runtime.today(now).isoformat()
    return _noted(runtime, notes._replace(done_on=today, last=notes.rows, rule="", place=None, rows={}), done)


def _noted(runtime: Runtime, notes: Notes, done: dict[str, int]) -> dict[str, int]:
    with runtime.database.begin() as tx:
        keep_notes(tx, notes)
    return done


# --- one rule -----------------------------------------------------------------------------------------------


def _safely(runtime: Runtime, rule: Rule, now: int, place: Any = None, until: float = math.inf) -> Done:
    """A rule that fails is logged and left for the next night; the others go on."""
    try:
        return _sweep(runtime, rule, now, place, until)
    except DBAPIError as error:
        log.error("retention_rule_failed", rule=rule.name, error=type(error).__name__)
    except Exception:
        log.exception("retention_rule_failed", rule=rule.name)
    return Done(0, None)


def _sweep(runtime: Runtime, rule: Rule, now: int, place: Any = None, until: float = math.inf) -> Done:
    """Carry out one rule from this place on, until it is through or the time is up."""
    rows = 0
    for done in _pages(SWEEPS[rule.name], Night(runtime, rule, now), place):
        rows += done.rows
        place = done.place
        if place is not None and (time.monotonic() > until or runtime.stopping.is_set()):
            return Done(rows, place)
    return Done(rows, None)


def _pages(sweep: Sweep, night: Night, place: Any) -> Iterator[Done]:
    place = sweep.begins_at(night) if place is None else place
    return in_pages(
        night.runtime.database,
        lambda tx, place, size: sweep.find(tx, night, place, size),
        lambda tx, keys: _counted(tx, sweep.act(tx, night, keys)),
        place,
        most=sweep.most,
    )


def _counted(tx: Connection, rows: int) -> int:
    if rows:
        count(tx, "rows_no_longer_kept", rows)
    return rows


def _let_go(runtime: Runtime, done: dict[str, int]) -> None:
    """What was deleted leaves SQLite's journal too."""
    if any(done.values()) and not runtime.database.empty_journal():
        log.info("journal_in_use", hint="a reader holds it; it is emptied the next time")
