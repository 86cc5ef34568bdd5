"""Follow-ups of a woman whose household is written to on another phone, or on none: whoever has it hears none of it.

Somebody who takes a child's messages with the code on its booklet, or has a family's former number, may be anybody. The
contacts of a woman go on without a phone, nothing is sent about them, and a mediator asks her which one to use.
"""

from __future__ import annotations

import json

from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store import follow_up_tables, people_tables, task_tables
from service.store.follow_up_tables import FollowUp
from service.stories.homes import families
from service.stories.homes.child_tasks import KEPT_MS
from service.stories.recall import unsaid

LINE = "follow_up_phone"


def set_apart(tx: Connection, runtime: Runtime, home: int, now: int) -> None:
    """Take the follow-ups out of a household whose messages go to another phone from now on."""
    found = follow_up_tables.of_home(tx, home)
    if not found:
        return
    say_no_more(tx, runtime, home, now)
    apart = people_tables.add_household(tx, found[0].organisation_id, None, now)
    follow_up_tables.move(tx, [one.id for one in found], apart)


def say_no_more(tx: Connection, runtime: Runtime, home: int, now: int) -> None:
    """What waits to be sent about the follow-ups of this household is taken back; of each open one there is a line."""
    for one in follow_up_tables.of_home(tx, home):
        if one.state == "open":
            theirs = [row.id for row in follow_up_tables.open_appointments(tx, one.id)]
            unsaid.unsay_appointments(tx, runtime, theirs, now)
            _put_on_list(tx, one, now)


def _put_on_list(tx: Connection, one: FollowUp, now: int) -> None:
    """The code says what it is of only to whoever serves this quartier, after her PIN."""
    task_tables.add_task(
        tx,
        now,
        key=follow_up_tables.line_key(one.id),
        kind=LINE,
        zone_id=one.zone_id,
        person_id=one.person_id,
        details=json.dumps({"Code": families.show_code(one.code)}, ensure_ascii=False),
        expires_at=now + KEPT_MS,
    )
