"""A child is followed no longer, or a follow-up ends: nothing that waits speaks of that birth any more.

No family is asked why a child is not followed any more: it may be a death, and then a word about the birth is the
worst that can be sent. Where it is not sure what belongs to that birth, we are silent, and a person looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from sqlalchemy.engine import Connection

from service.domain import follow_up_rules
from service.runtime import Runtime
from service.store import (
    family_changes,
    follow_up_tables,
    message_tables,
    people_tables,
    reach_tables,
    task_tables,
)
from service.store.follow_up_tables import FollowUp
from service.store.people_tables import Child
from service.stories.care import follow_up_plans
from service.stories.homes import child_tasks, first_words, pauses, same_child
from service.stories.recall import weekly_list

ENDED: Final = {"dead": "loss", "moved": "moved", "family": "withdrawn"}
"""How a follow-up ended, by why the last child of its birth is followed no longer."""
PERHAPS_HERS: Final = {"À faire": "Vérifier, avec tact : un suivi du même foyer s'est arrêté aussi, peut-être à tort"}
PERHAPS_THE_SAME: Final = {
    "À faire": "Vérifier, avec tact, si c'est un enfant inscrit deux fois ; s'il vit, le reprendre"
}


def end_follow_up(
    tx: Connection, runtime: Runtime, one: FollowUp, on: date, why: str, by: str | None, now: int
) -> None:
    """Nothing comes of it any more, and what waited is taken back. `by` None: nobody said so of itself."""
    follow_up_tables.end(tx, one.id, on, why, by, now)
    task_tables.close_task_of(tx, follow_up_tables.line_key(one.id), "dropped", "ended", now)
    phone_id = family_changes.lock_household(tx, one.household_id)
    if phone_id is not None and why != "born":
        first_words.take_back(tx, phone_id, now)
    follow_up_plans.replan(tx, runtime, one._replace(state="ended", ended_on=on), now)


def fall_silent(tx: Connection, runtime: Runtime, child: Child, why: str, now: int) -> None:
    """What else waits because of this child, which is followed no longer: about its birth, its family, its door."""
    around = follow_up_tables.around(tx, child.id, child.household_id)
    of_birth = [each for each in around if _is_of_birth(runtime, each[0], child)]
    if why == "dead":
        _hold_copies(tx, runtime, child, bool(of_birth), now)
    _end_without_child(tx, runtime, child, of_birth, why, now)
    _ask_no_more(tx, child, now)
    if child.zone_id is not None:
        weekly_list.tell_again(tx, runtime, child.zone_id, now)


def hold_the_rest(tx: Connection, runtime: Runtime, one: FollowUp, now: int) -> None:
    """After a loss, what may be the same child, as its family enrolled it, is held until a person looks."""
    for child in _living(tx, runtime, one):
        _hold(tx, runtime, child, f"{one.id}", now)


def _end_without_child(
    tx: Connection, runtime: Runtime, child: Child, of_birth: Sequence[tuple[FollowUp, bool]], why: str, now: int
) -> None:
    """End the follow-ups of this child's birth, unless another child of it lives on.

    Where nobody noted whose birth it was, every pregnancy of the household that it may have ended falls silent.
    """
    noted = [each for each in of_birth if each[1] and each[0].kind == "postnatal"]
    ending = [each for each in noted or of_birth if each[0].state == "open" and not _living(tx, runtime, each[0])]
    for one, _ in ending:
        end_follow_up(tx, runtime, one, runtime.today(now), ENDED[why], None, now)
    if len(ending) > 1 or not all(is_carers for _, is_carers in ending):
        key = f"{child_tasks.BESIDE}:{child.id}"
        child_tasks.put_on_list(tx, now, child_tasks.BESIDE, child, key=key, details=PERHAPS_HERS)


def _is_of_birth(runtime: Runtime, one: FollowUp, child: Child) -> bool:
    """Whether this child may be the one of this pregnancy, or of the birth that its weeks count from."""
    anchor = follow_up_plans.anchor_of(one)
    return follow_up_rules.may_be_its_birth(runtime.pregnancy, anchor, child.born_on, child.birth_precision)


def _living(tx: Connection, runtime: Runtime, one: FollowUp) -> list[Child]:
    """The children who may be of this birth, and of whom we speak."""
    children = follow_up_tables.children_of(tx, one.person_id, one.household_id)
    return [each for each in children if _is_spoken_of(each) and _is_of_birth(runtime, one, each)]


def _is_spoken_of(child: Child) -> bool:
    return child.status == "followed" and child.quiet_why != pauses.DOUBT


def _hold_copies(tx: Connection, runtime: Runtime, died: Child, is_followed: bool, now: int) -> None:
    """Followed from its birth on and enrolled by its family too, a child stands here twice, often some days apart.

    Born on the very day, the other one is its twin, unless it may have the same name.
    """
    beside = follow_up_tables.children_beside(tx, died.id, died.household_id)
    born_with = [child for child in beside if child.born_on == died.born_on]
    copies = same_child.same_among(tx, died, born_with)
    if is_followed:
        copies += [child for child in beside if child not in born_with and _may_be_one(runtime, died, child)]
    for child in copies:
        if _is_spoken_of(child):
            _hold(tx, runtime, child, f"{died.id}", now)


def _may_be_one(runtime: Runtime, died: Child, child: Child) -> bool:
    told = died.birth_precision, child.birth_precision
    return follow_up_rules.may_be_one_birth(runtime.pregnancy, died.born_on, child.born_on, told)


def _hold(tx: Connection, runtime: Runtime, child: Child, because: str, now: int) -> None:
    pauses.doubt(tx, runtime, child.id, now)
    key = f"{child_tasks.HELD}:{child.id}:{because}"
    child_tasks.put_on_list(tx, now, child_tasks.HELD, child, key=key, details=PERHAPS_THE_SAME)


def _ask_no_more(tx: Connection, child: Child, now: int) -> None:
    """Whether the number is still theirs is not asked of a family of whose children nothing is said any more."""
    phone_id = family_changes.lock_household(tx, child.household_id)
    if phone_id is None or any(map(_is_spoken_of, people_tables.children_on_phone(tx, phone_id))):
        return
    begins = reach_tables.question_key(phone_id)
    if message_tables.take_back_with_key(tx, phone_id, begins, now, "no longer asked"):
        reach_tables.not_asked_after_all(tx, phone_id)
