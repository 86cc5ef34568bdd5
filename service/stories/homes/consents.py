"""What people agree to, each purpose by itself, and what they take back: who, when, in which words, how.

A refusal of messages stands by phone too (`opt_outs`), for the dispatcher asks nothing else; what is written here is
whose word it was, so that it can be told and proved.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store import consent_tables, family_changes, people_tables
from service.store.consent_tables import DATED_CONTACTS, FOLLOW_UP, Standing
from service.stories.homes import programmes
from service.stories.recall import retelling

DISCREET, EXPLICIT = "discreet", "explicit"
REMINDER, CAMPAIGN = "reminder", "campaign"
BY_SMS = (REMINDER, CAMPAIGN)
"""What ARRET takes back. A mediator's visit is no SMS, and is taken back by itself."""
PURPOSES = (*BY_SMS, FOLLOW_UP)
VOICE = "voice"
"""Reminders come as calls, on this phone."""
ONE, SEVERAL = "one", "several"


class Words(NamedTuple):
    """What was shown, in which language, and how the answer came."""

    version: str
    language: str
    how: str


def said_of_phone(tx: Connection, phone_id: int) -> dict[str, Standing]:
    """purpose -> the last word of the people behind this phone; a purpose on which nobody said anything is not there.

    Where they differ a no counts.
    """
    found: dict[str, Standing] = {}
    for one in consent_tables.standing(tx, consent_tables.people_behind(tx, phone_id), PURPOSES):
        known = found.get(one.purpose)
        if known is None or (known.given, -known.at) > (one.given, -one.at):
            found[one.purpose] = one
    return found


def wording_of(tx: Connection, person_id: int) -> str:
    """How this person wants to be reminded, until she says otherwise."""
    last = consent_tables.standing(tx, (person_id,), (REMINDER,))
    return last[0].wording if last and last[0].given else DISCREET


def speaks_openly(tx: Connection, phone_id: int) -> bool:
    """Whether reminders to this phone tell names and vaccines."""
    return any(found == phone_id for found, _ in consent_tables.explicit_homes(tx, (phone_id,)))


def note(
    tx: Connection,
    phone_id: int,
    purposes: Iterable[str],
    given: bool,
    words: Words,
    now: int,
    *,
    only_refused: bool = False,
) -> None:
    """Keep a word about these purposes for everybody behind this phone, where it changes what stands.

    `only_refused`: a yes gives back what was agreed to before, and agrees to nothing else.
    """
    people = consent_tables.people_behind(tx, phone_id, hold=True)
    purposes = tuple(purposes)
    last = {(one.person_id, one.purpose): one for one in consent_tables.standing(tx, people, purposes)}
    agreed = consent_tables.ever_given(tx, people, purposes) if only_refused else None
    for person_id in people:
        for purpose in purposes:
            said = last.get((person_id, purpose))
            if agreed is not None and (person_id, purpose) not in agreed:
                continue
            if said is None or said.given != given:
                keep(tx, person_id, purpose, words, now, given=given, before=said)


def hears_news(tx: Connection, phone_id: int) -> bool:
    """Whether informations may be sent to this phone, unless they were stopped there: somebody asked for them."""
    said = said_of_phone(tx, phone_id).get(CAMPAIGN)
    return said is not None and said.given


def is_to_be_asked(tx: Connection, person_id: int) -> bool:
    """Whether this person was never heard on informations nor on visits at home."""
    return not consent_tables.standing(tx, (person_id,), (CAMPAIGN, FOLLOW_UP))


def choose_words(tx: Connection, runtime: Runtime, phone_id: int, explicit: bool, words: Words, now: int) -> bool:
    """Names and vaccines in this phone's reminders from now on, or discreet words again.

    False, and nothing is changed, where explicit words cannot be: several people are behind this phone, or nobody who
    agreed to reminders is. Discreet words also note that others read the phone,
    and hold for what waits to be sent.
    """
    if not explicit:
        take_names_back(tx, runtime, phone_id, now)
    people = consent_tables.people_behind(tx, phone_id, hold=True)
    last = {one.person_id: one for one in consent_tables.standing(tx, people, (REMINDER,)) if one.given}
    if explicit and (len(people) != 1 or not last):
        return False
    consent_tables.set_readers(tx, phone_id, ONE if explicit else SEVERAL)
    wording = EXPLICIT if explicit else DISCREET
    for person_id, said in last.items():
        if said.wording != wording:
            keep(tx, person_id, REMINDER, words, now, wording=wording, before=said)
    return True


def take_names_back(tx: Connection, runtime: Runtime, phone_id: int, now: int) -> None:
    """Others may read this phone from now on: what waits for it in explicit words is told anew, as it may be then."""
    if not speaks_openly(tx, phone_id):
        return
    served = {child.household_id for child in people_tables.children_on_phone(tx, phone_id)}
    for home in sorted(served.union(family_changes.homes_that_prefer(tx, phone_id))):
        family_changes.lock_household(tx, home)
    retelling.tell_anew(tx, runtime, phone_id, now)


def agree_for_newborn(tx: Connection, woman_id: int, carer_id: int, by: str, now: int) -> None:
    """The words of the yes to her own contacts name the baby's too: reminders of them, where nothing was said of those.

    All such words do so far (`follow open`, the flow `grossesse`). A refusal stands.
    """
    agreed = consent_tables.standing(tx, (woman_id,), (DATED_CONTACTS,))
    if agreed and agreed[0].given and not consent_tables.standing(tx, (carer_id,), (REMINDER,)):
        words = Words(agreed[0].words_version, agreed[0].language, agreed[0].how)
        keep(tx, carer_id, REMINDER, words, now, by=by)


def withdraw(tx: Connection, person_id: int, purpose: str, by: str, now: int) -> None:
    """Somebody wants this no more, and told whoever writes it down: the yes stands no longer."""
    for said in consent_tables.standing(tx, (person_id,), (purpose,)):
        if said.given:
            words = Words("withdrawn", said.language, "told")  # her own: nothing was read to her
            keep(tx, person_id, purpose, words, now, given=False, by=by, before=said)


def keep(
    tx: Connection,
    person_id: int,
    purpose: str,
    words: Words,
    now: int,
    *,
    given: bool = True,
    wording: str = DISCREET,
    by: str = "self",
    programme_id: int | None = None,
    before: Standing | None = None,
) -> None:
    """Write one word down: on what, in which words, how it was given, and who wrote it.

    `before`: what stood, where that is known. Without a programme it is that one's, else the children's.
    """
    if programme_id is None:
        programme_id = before.programme_id if before else programmes.of_children(tx).id
    people_tables.add_consent(
        tx,
        person_id=person_id,
        programme_id=programme_id,
        purpose=purpose,
        given=given,
        wording=wording,
        words_version=words.version,
        language=words.language,
        how=words.how,
        recorded_by=by,
        at=max(now, before.at + 1) if before else now,  # the last word is the latest, even at one moment
    )
