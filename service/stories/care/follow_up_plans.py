"""The appointments of a follow-up: beside the children's, on the same rails and in the same household message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy.engine import Connection

from service.domain import follow_up_rules, reminder_ladder
from service.domain.follow_up_rules import Reminded
from service.domain.protocols import Anchor, DatedContact
from service.runtime import Runtime
from service.store import care_tables, follow_up_tables
from service.store.follow_up_tables import FollowUp
from service.stories.recall import unsaid
from service.stories.recall.ladder_steps import step_columns


def anchor_of(one: FollowUp) -> Anchor:
    return follow_up_rules.anchor_of(one.kind, one.started_on, one.give_or_take)


def next_contact(tx: Connection, runtime: Runtime, one: FollowUp, today: date) -> DatedContact | None:
    """What the protocol asks for next; None when nothing comes any more."""
    if one.state != "open":
        return None
    made = follow_up_tables.contacts_made(tx, one.id)
    return follow_up_rules.next_contact(runtime.pregnancy, anchor_of(one), made, today)


def replan(tx: Connection, runtime: Runtime, one: FollowUp, now: int, *, tell_from: date | None = None) -> None:
    """Make its appointments say what the protocol says now; what waited to be sent about others is cancelled.

    An ended one has none. Whoever is told of others by a cancelled message is told anew. Nothing new is said before
    `tell_from`.
    """
    rows = follow_up_tables.open_appointments(tx, one.id)
    wanted = {(each.contact, each.anchor_on): each for each in _reminded(tx, runtime, one, now)}
    gone = [row.id for row in rows if (row.doses, row.anchor_on) not in wanted]
    care_tables.close_appointments(tx, gone, now)
    unsaid.unsay_appointments(tx, runtime, gone, now)
    standing = {(row.doses, row.anchor_on) for row in rows}
    new = [each for key, each in wanted.items() if key not in standing]
    care_tables.add_appointments(tx, [_row(runtime, one, each, now, tell_from) for each in new], now)


def _reminded(tx: Connection, runtime: Runtime, one: FollowUp, now: int) -> Sequence[Reminded]:
    if one.state != "open":
        return ()
    made = follow_up_tables.contacts_made(tx, one.id)
    return follow_up_rules.reminded(runtime.pregnancy, anchor_of(one), made, one.opened_on, runtime.today(now))


def _row(runtime: Runtime, one: FollowUp, each: Reminded, now: int, tell_from: date | None) -> dict[str, object]:
    ladder = runtime.ladder_for(one.kind)
    step = reminder_ladder.next_step(ladder, each.anchor_on, None, runtime.local(now), each.lapses_on)
    if step is not None and tell_from is not None:
        step = step._replace(on=max(step.on, tell_from))
    return {
        "organisation_id": one.organisation_id,
        "programme_id": one.programme_id,
        "follow_up_id": one.id,
        "household_id": one.household_id,
        "kind": one.kind,
        "doses": each.contact,
        "anchor_on": each.anchor_on,
        "lapses_on": each.lapses_on,
        **step_columns(step),
    }


def tomorrow(runtime: Runtime, now: int) -> date:
    return runtime.today(now) + timedelta(1)
