"""Whether two children of one household, born on one day, may be one child that was enrolled twice.

No machine puts two children together. A person asks the family; until then both are followed, and after a death we
are silent about what may be the same one.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy.engine import Connection

from flows.sms_keywords import plain_words
from service.store import consent_tables, family_changes
from service.store.people_tables import Child
from service.stories.homes import child_tasks
from service.stories.talk.wording import show_code

LINE: Final = "same_child"
TO_DO: Final = "Demander à la famille, avec tact, si c'est un même enfant inscrit deux fois. Si oui : en arrêter un"


def may_be_one_name(one: str | None, other: str | None) -> bool:
    """The same first name, however it is spelled with accents; or one of them has none yet, as a newborn.

    Two without a name were written down together: twins.
    """
    if not one or not other:
        return bool(one) != bool(other)
    return plain_words(one)[:1] == plain_words(other)[:1] != []


def ask_about(tx: Connection, child: Child, now: int) -> None:
    """A line for the mediator about each followed child beside this one, just enrolled, that may be the same."""
    born_with = [each for each in family_changes.children_of(tx, child.household_id) if each.born_on == child.born_on]
    for other in same_among(tx, child, [each for each in born_with if each.id != child.id]):
        key = f"{LINE}:{min(child.id, other.id)}:{max(child.id, other.id)}"
        told = {"Autre code": show_code(other.code), "À faire": TO_DO}
        child_tasks.put_on_list(tx, now, LINE, child, key=key, details=told)


def same_among(tx: Connection, child: Child, others: list[Child]) -> list[Child]:
    """Those of these children whose name may be this child's."""
    if not others:
        return []
    names = consent_tables.names_of(tx, [child.id, *(other.id for other in others)])
    return [other for other in others if may_be_one_name(names.get(child.id), names.get(other.id))]
