"""Counting people and messages before their rows go: coverage by centre and year of birth, messages by day, treatments
and follow-ups by month.

In the transaction that deletes them, so that what is counted and what still stands always add up to the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sqlalchemy.engine import Connection

from service.domain.vaccination import Assessment, DoseError
from service.runtime import Runtime
from service.store import care_tables, expiry, people_tables, screening_tables, tally_tables
from service.store.people_tables import Child
from service.store.tally_tables import CareKey, MessageKey, Sent
from service.stories.care import care
from service.stories.staff import follow_up_figures

NONE = 0
"""Stands for a centre or a programme that nobody told."""
_ENDED = {"queued": "cancelled", "sending": "unknown"}
"""What a message has come to whose row goes while it is under way."""


def count_children(tx: Connection, runtime: Runtime, children: Sequence[int], now: int) -> None:
    """Add these children to the counts of their centre and year of birth: how many, which doses, which measures."""
    counted: Counter[CareKey] = Counter()
    for child_id in children:
        one = people_tables.find_child(tx, id=child_id)
        assert one is not None, "it is counted before it goes"
        counted.update(care_keys(tx, runtime, one, now))
    tally_tables.add_care(tx, counted)


def care_keys(tx: Connection, runtime: Runtime, one: Child, now: int) -> list[CareKey]:
    """What this child adds to the counts."""
    place = one.programme_id, one.centre_id or NONE, one.born_on.year
    return [CareKey(*place, measure) for measure in _measures(tx, runtime, one, now)]


def _measures(tx: Connection, runtime: Runtime, one: Child, now: int) -> Iterator[str]:
    yield "children"
    had: Counter[str] = Counter()
    for dose in sorted(care_tables.doses_of(tx, one.id), key=lambda dose: dose.given_on):
        had[dose.antigen] += 1
        yield f"dose:{dose.antigen}:{had[dose.antigen]}"
    found = _assessed(tx, runtime, one, now)
    if found is not None and found.penta_zero_dose:
        yield "zero_dose"
    if found is not None and found.fully_immunised_basic:
        yield "fully_immunised"
    for band in screening_tables.bands_of(tx, one.id):
        yield f"muac:{band}"


def _assessed(tx: Connection, runtime: Runtime, one: Child, now: int) -> Assessment | None:
    try:
        return care.assess(tx, runtime, one, runtime.today(now))
    except DoseError:  # a birthday corrected to after a dose: the doses count, the verdict does not
        return None


def count_messages(tx: Connection, runtime: Runtime, ids: Sequence[int]) -> None:
    """Add these messages to the counts of their days."""
    counted: dict[MessageKey, Sent] = {}
    for row in expiry.figures_of(tx, ids):
        key = MessageKey(
            runtime.today(row.created_at),
            row.programme_id or NONE,
            row.purpose,
            row.klass,
            row.channel or "",
            row.network or "",
            _ENDED.get(row.state, row.state),
        )
        before = counted.get(key, Sent(0, 0, 0, 0))
        one = Sent(1, row.parts, row.cost_estimated or 0, row.cost_true or 0)
        counted[key] = Sent(*(sum(pair) for pair in zip(before, one, strict=True)))
    tally_tables.add_messages(tx, counted)


def count_treatments(tx: Connection, ids: Sequence[int]) -> None:
    """Add these treatments to the counts of their months."""
    tally_tables.add_follow_ups(tx, follow_up_figures.of_treatments(tx, ids))


def count_follow_ups(tx: Connection, runtime: Runtime, ids: Sequence[int], now: int) -> None:
    """Add these follow-ups to the counts of their months, before the messages about them go."""
    tally_tables.add_follow_ups(tx, follow_up_figures.of_follow_ups(tx, runtime, ids, runtime.today(now)))
