"""A phone that is not the family's: it hears no more of these children, and they are followed on without it.

Said by whoever holds the phone, of one child or of all, or by a mediator who was at the family's home.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store import family_changes, handover_tables, people_tables, phone_tables
from service.store.people_tables import Child
from service.store.phone_tables import Phone
from service.stories.care import follow_up_homes
from service.stories.homes import child_tasks
from service.stories.recall import recalls, retelling


def not_my_child(tx: Connection, runtime: Runtime, number: str, child: Child, now: int) -> None:
    """This phone is no longer written to about this child, from now on. Its follow-up goes on, without a phone."""
    mine = phone_tables.find_phone(tx, number)
    assert mine is not None, "own_child found it by this phone"
    preferred = family_changes.lock_household(tx, child.household_id)
    served = people_tables.children_on_phone(tx, mine.id)
    alone = not any(one.household_id == child.household_id and one.id != child.id for one in served)
    recalls.take_back(tx, runtime, child.id, now)
    if alone:
        family_changes.take_phone(tx, child.household_id, mine.id, runtime.today(now))
        handover_tables.replace_announced(tx, child.household_id)
    else:
        family_changes.end_care(tx, child.id, mine.id, runtime.today(now))
    if preferred == mine.id and alone:
        family_changes.prefer_phone(tx, child.household_id, None)
    elif preferred == mine.id:
        family_changes.give_own_home(tx, child, now)
    # Nobody is to be called: this number is the wrong one.
    child_tasks.put_on_list(tx, now, "wrong_family", child, key=f"wrong_family:{child.id}:{runtime.today(now)}")


def is_wrong_number(tx: Connection, runtime: Runtime, child: Child, now: int) -> int | None:
    """Somebody was at the family's home: this number is not theirs, and nothing more of theirs is sent there.

    Its children are followed on, without a phone, until the family takes its messages with a child's code. Gives the
    phone that had them, None when none had.
    """
    home = child.household_id
    old = family_changes.lock_household(tx, home)
    if old is None:
        return None
    for one in family_changes.children_of(tx, home):
        recalls.take_back(tx, runtime, one.id, now)
    family_changes.take_phone(tx, home, old, runtime.today(now))
    handover_tables.replace_announced(tx, home)
    family_changes.prefer_phone(tx, home, None)
    return old


def not_this_number(tx: Connection, runtime: Runtime, mine: Phone, now: int) -> None:
    """Whoever has this phone now is none of the families it was written to about: they go on together, without it."""
    today = runtime.today(now)
    homes = sorted({*family_changes.homes_served(tx, mine.id), *family_changes.homes_that_prefer(tx, mine.id)})
    served = [home for home in homes if family_changes.lock_household(tx, home) == mine.id]
    retelling.tell_anew(tx, runtime, mine.id, now)  # of a cover too, where no child is followed
    for home in served:
        follow_up_homes.say_no_more(tx, runtime, home, now)
        for child in family_changes.children_of(tx, home):
            recalls.take_back(tx, runtime, child.id, now)
            child_tasks.put_on_list(tx, now, "wrong_family", child, key=f"wrong_family:{child.id}:{today}")
        family_changes.take_phone(tx, home, mine.id, today)
        handover_tables.replace_announced(tx, home)
        family_changes.prefer_phone(tx, home, None)
