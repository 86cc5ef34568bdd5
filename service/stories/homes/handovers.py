"""Which phone a family hears on: a new number, a second one beside, one that had the child's code, or none.

A phone that somebody else named gets nothing but one SMS without content until whoever holds it says yes. A child's
code may be known to somebody who should not have it, and a new number may be named by somebody who held the phone for
a minute: neither is silent, for the phone that had the messages is told, and after a code a mediator looks. That phone
sees the children no more, or it would tell where a mother who left goes next; with the code it may take the messages
back.

A second number hears only while the first hears nothing (`recall_receivers`), and says yes itself as a new one does.
"""

from __future__ import annotations

from typing import Literal

from sqlalchemy.engine import Connection

from flows import phone_numbers
from service.clock import DAY_MS
from service.runtime import Runtime
from service.store import (
    consent_tables,
    family_changes,
    handover_tables,
    message_tables,
    people_tables,
    phone_tables,
    task_tables,
)
from service.store.people_tables import Child
from service.store.phone_tables import Phone
from service.stories.care import follow_up_homes
from service.stories.delivery import outbox
from service.stories.homes import child_tasks, consents
from service.stories.homes.consents import Words
from service.stories.recall import recalls
from service.stories.recall.reminders import spoken_language

LIFE_MS = 14 * DAY_MS
MOST_ANNOUNCEMENTS, MOST_TRIES = 3, 5
"""Of one phone on one day: numbers announced, codes tried. Of one child, by all phones together: wrong months."""
USEFUL_MS = 3 * DAY_MS

Announced = Literal["announced", "same", "none", "enough"]
Kind = Literal["instead", "beside"]
INSTEAD: Kind = "instead"
BESIDE: Kind = "beside"
Claimed = Literal["ok", "no", "enough"]


# --- a new number -------------------------------------------------------------------------------------------


def announce(
    tx: Connection,
    runtime: Runtime,
    number: str,
    new_number: str,
    language: str,
    now: int,
    *,
    kind: Kind = INSTEAD,
) -> Announced:
    """Ask the new phone, in one SMS without content, whether it will have this phone's messages: 14 days to say yes.

    Messages come here until then, and afterwards too where the new one is to stand beside. A later announcement takes
    the place of an earlier one of its kind.
    """
    if new_number == number:
        return "same"
    mine = phone_tables.find_phone(tx, number)
    homes = (
        [home for home in family_changes.homes_served(tx, mine.id) if family_changes.decides(tx, home, mine.id)]
        if mine
        else []
    )
    if mine is None or not homes or not _may_be_written_to(runtime, new_number):
        return "none"
    if handover_tables.count_try(tx, mine.number_idx, "handover", runtime.today(now)) > MOST_ANNOUNCEMENTS:
        return "enough"
    new = phone_tables.ensure_phone(tx, new_number, now)
    for home in homes:
        handover_tables.replace_announced(tx, home, kind)
        _keep(tx, home, family_changes.lock_household(tx, home), new.id, "announced", now, kind)
    if not phone_tables.opted_out(tx, new.number_idx, "reminder"):
        # One a day to a number, whoever names it.
        key = f"handover:{new.id}:{runtime.today(now)}"
        _tell(tx, runtime, new_number, new.language or language, "handover.announced", key, now)
    return "announced"


def accept(tx: Connection, runtime: Runtime, number: str, consent: Words, now: int) -> bool:
    """Whoever holds the new phone said yes: messages come to it, alone or when the first one hears nothing. The phone
    that had them is told. False when nobody waits for that any longer.
    """
    mine = phone_tables.find_phone(tx, number)
    waiting = handover_tables.next_handover(tx, mine.id, now) if mine else None
    if mine is None or waiting is None:
        return False
    home, old = waiting.household_id, waiting.old_phone_id
    if family_changes.lock_household(tx, home) != old or not family_changes.children_of(tx, home):
        handover_tables.close_handover(tx, waiting.id, "replaced")
        return False
    if not handover_tables.close_handover(tx, waiting.id, "accepted"):
        return False
    _ask_no_more(tx, mine, now)
    if waiting.kind == BESIDE:
        _stand_beside(tx, runtime, home, mine, consent, now)
        if old is not None:
            _tell_former(tx, runtime, home, old, mine, now, "handover.beside")
        return True
    _switch(tx, runtime, home, mine, consent, now)
    if old is not None:
        family_changes.take_phone(tx, home, old, runtime.today(now))
        _tell_former(tx, runtime, home, old, mine, now)
    return True


def awaited_as(tx: Connection, number: str, now: int) -> str | None:
    """As what a family waits for this phone's yes: in the place of its number, or beside; None when none does."""
    mine = phone_tables.find_phone(tx, number)
    waiting = handover_tables.next_handover(tx, mine.id, now) if mine else None
    return waiting.kind if waiting else None


def refuse(tx: Connection, number: str, now: int) -> bool:
    """Whoever holds the new phone said no: nothing is sent there, and a mediator asks the family again."""
    mine = phone_tables.find_phone(tx, number)
    waiting = handover_tables.next_handover(tx, mine.id, now) if mine else None
    if mine is None or waiting is None or not handover_tables.close_handover(tx, waiting.id, "refused"):
        return False
    _ask_no_more(tx, mine, now)
    for child in family_changes.children_of(tx, waiting.household_id)[:1]:
        key = f"handover_refused:{waiting.id}"
        child_tasks.put_on_list(tx, now, "handover_refused", child, key=key, phone_id=waiting.old_phone_id)
    return True


def _ask_no_more(tx: Connection, mine: Phone, now: int) -> None:
    """Who answered before the question had left is not asked afterwards, unless another family waits for a word too."""
    if handover_tables.next_handover(tx, mine.id, now) is None:
        message_tables.take_back_with_key(tx, mine.id, f"handover:{mine.id}:", now, "it was answered")


# --- a second number ----------------------------------------------------------------------------------------


def has_second(tx: Connection, number: str) -> bool:
    """Whether somebody is beside this phone for its children."""
    mine = phone_tables.find_phone(tx, number)
    if mine is None:
        return False
    beside = [
        one for home in family_changes.homes_served(tx, mine.id) for one in consent_tables.carers_beside(tx, home)
    ]
    return any(one.phone_id != mine.id for one in beside)


def remove_second(tx: Connection, runtime: Runtime, number: str, now: int) -> bool:
    """This phone alone hears of its children from now on; False when it did already, or is the second one itself."""
    mine = phone_tables.find_phone(tx, number)
    if mine is None:
        return False
    homes = [home for home in family_changes.homes_served(tx, mine.id) if family_changes.decides(tx, home, mine.id)]
    return sum(_end_beside(tx, runtime, home, now) for home in homes) > 0


def _stand_beside(tx: Connection, runtime: Runtime, home: int, new: Phone, consent: Words, now: int) -> None:
    """Who holds the new phone cares for the children after the first one; whoever did so before does not."""
    _end_beside(tx, runtime, home, now)
    consents.take_names_back(tx, runtime, new.id, now)
    children, today = family_changes.children_of(tx, home), runtime.today(now)
    organisation_id = children[0].organisation_id
    carer = people_tables.add_person(tx, organisation_id=organisation_id, household_id=home, created_at=now)
    people_tables.add_person_phone(tx, carer, new.id, today)
    for child in children:
        place = max(family_changes.last_position(tx, child.id), 1) + 1
        people_tables.add_caregiver(tx, child.id, carer, place, today)
    consents.keep(tx, carer, "reminder", consent, now, programme_id=children[0].programme_id)


def _end_beside(tx: Connection, runtime: Runtime, home: int, now: int) -> int:
    """What waits for a second phone is told anew."""
    beside = {one.phone_id for one in consent_tables.carers_beside(tx, home)}
    if beside:
        for child in family_changes.children_of(tx, home):
            recalls.take_back(tx, runtime, child.id, now)
    return family_changes.end_care_beside(tx, home, runtime.today(now))


# --- with the child's code ----------------------------------------------------------------------------------


def claim(tx: Connection, runtime: Runtime, number: str, code: int, birth: int, consent: Words, now: int) -> Claimed:
    """Let this phone have the messages about the child with this code, if its month of birth is known too.

    "no" never says which of the two was wrong; after five tries on one day a mediator is asked instead. Nor does it
    say that a child's months were tried with other phones: whoever reads a code on a booklet has only twelve to try.
    """
    mine = phone_tables.ensure_phone(tx, number, now)
    today = runtime.today(now)
    if handover_tables.count_try(tx, mine.number_idx, "child_code", today) > MOST_TRIES:
        _ask_a_mediator(tx, mine, f"code_tries:{mine.id}:{today}", now)
        return "enough"
    child = people_tables.find_child(tx, code=f"{code:08d}")
    if child is None or child.status != "followed":
        return "no"
    tried = runtime.vault.index("child", child.code)
    if not _is_born(child, birth):
        handover_tables.count_try(tx, tried, "child_month", today)
        return "no"
    if handover_tables.tries(tx, tried, "child_month", today) >= MOST_TRIES:
        key = f"month_tries:{child.id}:{today}"
        child_tasks.put_on_list(tx, now, "code_tries", child, key=key, phone_id=mine.id)
        return "no"
    old = family_changes.lock_household(tx, child.household_id)
    if old == mine.id:
        return "ok"
    handover_tables.replace_announced(tx, child.household_id)
    _end_beside(tx, runtime, child.household_id, now)  # whoever was named before may be who she left
    follow_up_homes.set_apart(tx, runtime, child.household_id, now)  # the code is a child's: it opens nothing else
    _switch(tx, runtime, child.household_id, mine, consent, now)
    if old is not None:
        family_changes.take_phone(tx, child.household_id, old, today)
    _keep(tx, child.household_id, old, mine.id, "accepted", now)
    _say_it_changed(tx, runtime, child, old, mine, now)
    return "ok"


def _is_born(child: Child, told: int) -> bool:
    """`told` as the keys give it: 3, 032026 or 05032026. An estimated birth is the latest it can be (decision 17)."""
    born, before = child.born_on, child.born_on.month - 1 or 12
    months = {(born.year, born.month)}
    if child.birth_precision in ("week", "month"):
        months.add((born.year if before != 12 else born.year - 1, before))
    if told <= 12:
        return told in {month for _, month in months}
    if told > 999_999:
        told %= 1_000_000  # the day may be an estimate
    return (told % 10_000, told // 10_000) in months


def _ask_a_mediator(tx: Connection, mine: Phone, key: str, now: int) -> None:
    """Who tries and tries may be a mother without her booklet, or somebody who guesses: a person looks."""
    child = next(iter(people_tables.children_on_phone(tx, mine.id)), None)
    expires_at = now + child_tasks.KEPT_MS
    zone_id = child.zone_id if child else None
    task_tables.add_task(tx, now, key=key, kind="code_tries", zone_id=zone_id, phone_id=mine.id, expires_at=expires_at)


def _say_it_changed(tx: Connection, runtime: Runtime, child: Child, old: int | None, new: Phone, now: int) -> None:
    """Tell the phone that had the messages, in one SMS without content, and the mediator."""
    home, today = child.household_id, runtime.today(now)
    if old is not None:
        _tell_former(tx, runtime, home, old, new, now)
    child_tasks.put_on_list(tx, now, "phone_changed", child, key=f"changed:{home}:{new.id}:{today}", phone_id=new.id)


def _tell_former(
    tx: Connection, runtime: Runtime, home: int, old: int, new: Phone, now: int, phrase: str = "handover.changed"
) -> None:
    before = phone_tables.phone_of_id(tx, old)
    key = f"phone_{phrase.partition('.')[2]}:{home}:{new.id}:{runtime.today(now)}"
    _tell(tx, runtime, before.number, before.language or "fr", phrase, key, now)


# --- in common ----------------------------------------------------------------------------------------------


def _may_be_written_to(runtime: Runtime, number: str) -> bool:
    """Only this country's mobile numbers: SMS abroad cost many times more, and somebody may earn on them."""
    return phone_numbers.is_mobile(number) and phone_numbers.region(number) == runtime.config.country


def _switch(tx: Connection, runtime: Runtime, home: int, new: Phone, consent: Words, now: int) -> None:
    """Write to the household on the new phone; what waits for the old one is told anew."""
    children = family_changes.children_of(tx, home)
    if not children:
        return
    for child in children:
        recalls.take_back(tx, runtime, child.id, now)
    consents.take_names_back(tx, runtime, new.id, now)
    family_changes.prefer_phone(tx, home, new.id)
    today = runtime.today(now)
    carer = family_changes.first_caregiver(tx, home)
    if carer is None:  # a child that lost its family here: whoever holds the phone cares for it now
        organisation_id = children[0].organisation_id
        carer = people_tables.add_person(tx, organisation_id=organisation_id, household_id=home, created_at=now)
        for child in children:
            people_tables.add_caregiver(tx, child.id, carer, 1, today)
    family_changes.give_phone(tx, carer, new.id, today)
    consents.keep(tx, carer, "reminder", consent, now, programme_id=children[0].programme_id)


def _keep(tx: Connection, home: int, old: int | None, new: int, state: str, now: int, kind: Kind = INSTEAD) -> None:
    handover_tables.add_handover(
        tx,
        household_id=home,
        old_phone_id=old,
        new_phone_id=new,
        kind=kind,
        state=state,
        created_at=now,
        expires_at=now + LIFE_MS,
    )


def _tell(tx: Connection, runtime: Runtime, number: str, language: str, phrase: str, key: str, now: int) -> None:
    """One SMS without content. A reminder to the claim: whoever said STOP gets nothing."""
    spoken = spoken_language(runtime, language, phrase)
    words = {"sender": runtime.config.sender_name, "code": runtime.config.service_code}
    text = runtime.phrases.say(phrase, spoken, **words, stop=_stop(runtime, spoken))
    letter = outbox.Letter(
        to=number,
        text=text,
        key=key,
        purpose="reminder",
        klass="once",
        not_before=now,
        useful_until=now + USEFUL_MS,
    )
    outbox.put(tx, now, letter)


def _stop(runtime: Runtime, language: str) -> str:
    """How to end it: a word to answer with, or keys where answers cannot arrive."""
    two_way = bool(runtime.routes) and runtime.routes[0].capabilities.two_way
    key = "handover.stop.word" if two_way else "handover.stop.code"
    return runtime.phrases.say(key, language, code=runtime.config.service_code)
