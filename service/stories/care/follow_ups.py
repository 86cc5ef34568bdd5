"""Follow-ups with dates: a pregnancy is opened, its contacts are noted, a birth makes the child followed, a loss is met
with silence.

A pregnancy is the most sensitive fact we hold. What its household is told is what every household is told, word for
word, and whoever looks at the phone cannot tell one from the other. From the moment that an end is noted nothing is
sent about it any more, and what waited is taken back.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.domain import follow_up_rules, protocols
from service.domain.protocols import Anchor, DatedContact, NotPossible
from service.runtime import Runtime
from service.store import family_changes, follow_up_tables, people_tables, place_tables
from service.store.columns import rules_of
from service.store.consent_tables import DATED_CONTACTS
from service.store.follow_up_tables import FollowUp
from service.store.people_tables import Child
from service.stories.care import birth_silence, follow_up_plans
from service.stories.care.birth_silence import end_follow_up
from service.stories.care.follow_up_reasons import WHY
from service.stories.care.follow_up_reasons import Refused as Refused
from service.stories.delivery.brakes import why_refused
from service.stories.homes import child_tasks, consents, families, first_words, programmes
from service.stories.homes.consents import Words
from service.stories.homes.families import Newcomer

EVERY_CHILD = "all"
KINDS = ("antenatal", "postnatal")
MOST_CHILDREN = 6


@dataclass(frozen=True, slots=True)
class Opening:
    """A pregnancy as the card tells it: the week that stands there, and how many weeks it may be wrong.

    `another`: not the person who is registered on this phone, nor a woman who is followed there; None: nobody was asked
    yet, and where it makes a difference that is refused with 'who'. `by` is who writes it down.
    """

    number: str
    zone_id: int
    week: int
    seen_on: date
    consent: Words
    by: str
    give_or_take_weeks: int = 0
    another: bool | None = False
    name: str | None = None


class Opened(NamedTuple):
    """The code for the booklet, and the next contact; None when none comes any more."""

    code: str
    next: DatedContact | None


class Born(NamedTuple):
    """The codes of the children followed from now on, and how many of the living were followed before."""

    codes: tuple[str, ...]
    known: int


# --- opening ------------------------------------------------------------------------------------------------


def open_pregnancy(tx: Connection, runtime: Runtime, told: Opening, now: int) -> Opened:
    """Follow a pregnancy from now on: the woman's consent is kept, her contacts are planned. Raises Refused."""
    anchor = _checked(tx, runtime, told, now)
    place = place_tables.place_of_zone(tx, told.zone_id)
    if place is None:
        raise Refused("place")
    person_id, household_id = _woman(tx, runtime, told, now)
    if told.name:
        people_tables.name_person(tx, person_id, told.name)
    one = _add(tx, runtime, person_id, household_id, (told.zone_id, place.centre_id), "antenatal", anchor, told.by, now)
    consents.keep(tx, person_id, DATED_CONTACTS, told.consent, now, by=told.by, programme_id=one.programme_id)
    said = first_words.say(tx, runtime, told.number, told.consent.language, now)
    tell_from = follow_up_plans.tomorrow(runtime, now) if said else None  # never two SMS on one day
    follow_up_plans.replan(tx, runtime, one, now, tell_from=tell_from)
    return _opened(tx, runtime, one, now)


def _checked(tx: Connection, runtime: Runtime, told: Opening, now: int) -> Anchor:
    if runtime.config.follow_ups is None:
        raise Refused("off")
    if why_refused(rules_of(tx), told.number) is not None:
        raise Refused("number")
    today = runtime.today(now)
    if told.seen_on > today:
        raise Refused("future")
    try:
        anchor = protocols.pregnancy_from_week(told.week, told.seen_on, told.give_or_take_weeks)
    except NotPossible:
        raise Refused("week") from None
    if not protocols.contacts_of(runtime.pregnancy, anchor, {}, today):
        raise Refused("week")
    return anchor


def _woman(tx: Connection, runtime: Runtime, told: Opening, now: int) -> tuple[int, int]:
    """The person and the household that the follow-up is of: who is behind the phone, or another one beside her."""
    before = people_tables.find_caller(tx, told.number)
    nobody_yet = before is None or before.person_id is None
    caller = families.ensure_caller(tx, runtime, told.number, now)
    person_id, household_id = caller.person_id, caller.household_id
    assert person_id is not None, "ensure_caller made both"
    assert household_id is not None, "ensure_caller made both"
    # Two mediators who note women of one household take turns from here on.
    elsewhere = family_changes.lock_household(tx, household_id) != caller.phone_id
    followed = _going_on(tx, runtime, person_id, household_id, told.by, now)
    if followed and not told.another:
        raise Refused("known")
    if told.another is None and not (nobody_yet or elsewhere):
        raise Refused("who")
    if nobody_yet or not (followed or elsewhere or told.another):
        return person_id, household_id
    # Her household is written to on another phone by now, which is not the one that she named.
    organisation_id, today = programmes.of_children(tx).organisation_id, runtime.today(now)
    consents.take_names_back(tx, runtime, caller.phone_id, now)  # two people read the phone from now on
    if elsewhere:
        household_id = people_tables.add_household(tx, organisation_id, caller.phone_id, now)
    woman = people_tables.add_person(tx, organisation_id=organisation_id, household_id=household_id, created_at=now)
    people_tables.add_person_phone(tx, woman, caller.phone_id, today)
    return woman, household_id


def _going_on(tx: Connection, runtime: Runtime, person_id: int, household_id: int, by: str, now: int) -> list[FollowUp]:
    """The open pregnancies of a woman and of her household; one of which nothing can come any more is ended here."""
    going_on = []
    for one in follow_up_tables.open_of(tx, person_id, household_id, "antenatal"):
        if follow_up_plans.next_contact(tx, runtime, one, runtime.today(now)) is None:
            end_follow_up(tx, runtime, one, runtime.today(now), "complete", by, now)
        else:
            going_on.append(one)
    return going_on


def _add(
    tx: Connection,
    runtime: Runtime,
    person_id: int,
    household_id: int,
    place: tuple[int | None, int | None],
    kind: str,
    anchor: Anchor,
    by: str,
    now: int,
    code: str | None = None,
) -> FollowUp:
    programme = programmes.of_children(tx)
    while True:
        one = follow_up_tables.fresh(
            code=code or f"{secrets.randbelow(10**8):08d}",
            organisation_id=programme.organisation_id,
            programme_id=programme.id,
            person_id=person_id,
            household_id=household_id,
            zone_id=place[0],
            centre_id=place[1],
            kind=kind,
            started_on=anchor.on,
            give_or_take=anchor.give_or_take,
            protocol=runtime.pregnancy.name,
            protocol_version=runtime.pregnancy.source_date,
            opened_on=runtime.today(now),
        )
        if follow_up_tables.add(tx, one, by, now):
            return one
        if code is not None or follow_up_tables.has_open(tx, person_id, kind):
            raise Refused("known")  # another mediator was quicker


# --- what happens in one ------------------------------------------------------------------------------------


def find(tx: Connection, code: str, mediator_id: int | None = None) -> FollowUp:
    """The open follow-up with this code, ours until the commit; a mediator has those of her quartiers.

    Raises Refused, in the same words for a code that nobody has, an ended one and one of another quartier.
    """
    one = follow_up_tables.find_open(tx, code, mediator_id)
    if one is None:
        raise Refused("unknown")
    return one


def contact_done(tx: Connection, runtime: Runtime, one: FollowUp, on: date, by: str, now: int) -> Opened:
    """Note the contact that was open on that day; the reminders of it stop at once. Raises Refused."""
    today = runtime.today(now)
    if on > today:
        raise Refused("future")
    anchor = follow_up_plans.anchor_of(one)
    made = follow_up_tables.contacts_made(tx, one.id)
    contact = follow_up_rules.contact_of_visit(runtime.pregnancy, anchor, made, on)
    if contact is None or not follow_up_tables.add_contact(tx, one.id, contact, on, by, now):
        raise Refused("no_contact")
    opened = _opened(tx, runtime, one, now)
    if opened.next is None:
        end_follow_up(tx, runtime, one, today, "complete", by, now)
    else:
        follow_up_plans.replan(tx, runtime, one, now)
    return opened


def birth(
    tx: Connection,
    runtime: Runtime,
    one: FollowUp,
    on: date,
    alive: int,
    by: str,
    now: int,
    sexes: Sequence[str | None] = (),
    *,
    really: bool = False,
) -> Born:
    """The pregnancy ended with a birth: the weeks after it begin, and each living child is followed from now on.

    A child of that day who was enrolled before is not enrolled again. With no living child it is a loss.
    A day that is much too early or too late is refused unless it is `really` so. Raises Refused.
    """
    if not 0 <= alive <= MOST_CHILDREN:
        raise Refused("children")
    if one.kind != "antenatal":
        raise Refused("not_a_pregnancy")
    follows = _what_follows(runtime, one, "birth", on, now, alive)
    if follows.begins is None:
        end_follow_up(tx, runtime, one, on, "loss", by, now)
        birth_silence.hold_the_rest(tx, runtime, one, now)
        return Born((), 0)
    anchor = follow_up_plans.anchor_of(one)
    if not really and not follow_up_rules.is_likely_birth(runtime.pregnancy, anchor, on):
        raise Refused("unlikely")
    near = _near_birth(tx, runtime, one, on)
    known = _known_of_birth(near, on)[:alive]
    if len(known) == alive and all(child.status != "followed" for child in near):
        # Each of them died, or its family wants nothing said: the weeks after this birth are not spoken of either.
        end_follow_up(tx, runtime, one, on, "complete", by, now)
        return Born((), alive)
    end_follow_up(tx, runtime, one, on, "born", by, now)
    for former in follow_up_tables.open_in_home(tx, one.household_id, "postnatal"):
        if former.person_id == one.person_id:
            end_follow_up(tx, runtime, former, on, "complete", by, now)
    place = one.zone_id, one.centre_id
    after = _add(
        tx, runtime, one.person_id, one.household_id, place, "postnatal", follows.begins, by, now, code=one.code
    )
    follow_up_plans.replan(tx, runtime, after, now)
    rest = follows.children_born_on[len(known) :]
    return Born(_follow_children(tx, runtime, one, rest, sexes[len(known) :], by, now), len(known))


def _near_birth(tx: Connection, runtime: Runtime, one: FollowUp, on: date) -> list[Child]:
    """Her children, and those of her household, who may be of a birth of that day, followed or not."""
    hers = follow_up_tables.children_of(tx, one.person_id, one.household_id)
    may_be = follow_up_rules.may_be_one_birth
    return [child for child in hers if may_be(runtime.pregnancy, child.born_on, on, (child.birth_precision,))]


def _known_of_birth(near: Sequence[Child], on: date) -> list[Child]:
    """The followed children of that very day, then those followed no longer: none of them is enrolled anew."""
    followed = [child for child in near if child.status == "followed" and child.born_on == on]
    return followed + [child for child in near if child.status != "followed"]


def _follow_children(
    tx: Connection,
    runtime: Runtime,
    one: FollowUp,
    born_on: Sequence[date],
    sexes: Sequence[str | None],
    by: str,
    now: int,
) -> tuple[str, ...]:
    assert one.zone_id is not None, "a pregnancy is opened in a quartier"
    if not born_on:
        return ()
    codes, carer_id = [], _carer(tx, one, now)
    for place, day in enumerate(born_on):
        sex = sexes[place] if place < len(sexes) else None
        newborn = Newcomer(name=None, born_on=day, birth_precision="day", sex=sex, zone_id=one.zone_id)
        codes.append(families.follow_newborn(tx, runtime, carer_id, one.household_id, newborn, now)[1])
    consents.agree_for_newborn(tx, one.person_id, carer_id, by, now)
    return tuple(codes)


def _carer(tx: Connection, one: FollowUp, now: int) -> int:
    """Who cares for the newborn: the woman; where her follow-up is without a phone, somebody without one.

    The phone that took her other children's messages is hers for all that the lists know, and would show this child.
    """
    if family_changes.lock_household(tx, one.household_id) is not None:
        return one.person_id
    home = one.household_id
    return people_tables.add_person(tx, organisation_id=one.organisation_id, household_id=home, created_at=now)


def children_of_birth(tx: Connection, one: FollowUp) -> list[Child]:
    """The followed children of the very day that a follow-up counts from; none of a pregnancy."""
    if one.kind != "postnatal":
        return []
    hers = follow_up_tables.children_of(tx, one.person_id, one.household_id)
    return [child for child in hers if child.status == "followed" and child.born_on == one.started_on]


def loss(
    tx: Connection,
    runtime: Runtime,
    one: FollowUp,
    on: date,
    now: int,
    *,
    by: str,
    child_code: str | None = None,
) -> None:
    """A pregnancy or a child was lost: everything ends at once, what waited is taken back, nothing is ever sent about
    it, and no line asks anybody to go there. The recalls of other children go on; of one that may be the same child
    nothing is said until a person made sure.

    After a birth of several, `child_code` says which child: its code, or 'all'. Raises Refused.
    """
    _what_follows(runtime, one, "loss", on, now)
    children = children_of_birth(tx, one)
    if child_code not in (None, EVERY_CHILD):
        children = [child for child in children if child.code == child_code]
    if (len(children) > 1 and child_code is None) or (not children and child_code not in (None, EVERY_CHILD)):
        raise Refused("which")
    end_follow_up(tx, runtime, one, on, "loss", by, now)
    for child in children:
        families.stop_child(tx, runtime, child.id, now, "dead")
        child_tasks.drop_lines(tx, child, by, now)
    if child_code in (None, EVERY_CHILD):
        birth_silence.hold_the_rest(tx, runtime, one, now)


def end(tx: Connection, runtime: Runtime, one: FollowUp, why: str, on: date, by: str, now: int) -> None:
    """It is followed no more, for one of WHY; nothing more is sent about it. Raises Refused.

    A woman who wants no more of it takes her yes back, unless another follow-up of hers goes on.
    """
    if why not in WHY:
        raise Refused("why")
    _what_follows(runtime, one, "death", on, now)
    end_follow_up(tx, runtime, one, on, why, by, now)
    if why == "withdrawn" and not any(follow_up_tables.has_open(tx, one.person_id, kind) for kind in KINDS):
        consents.withdraw(tx, one.person_id, DATED_CONTACTS, by, now)


def _what_follows(
    runtime: Runtime, one: FollowUp, event: protocols.Event, on: date, now: int, alive: int = 1
) -> protocols.Following:
    today = runtime.today(now)
    if on > today:
        raise Refused("future")
    try:
        return protocols.what_follows(follow_up_plans.anchor_of(one), event, on, today, alive)
    except NotPossible:
        raise Refused("before") from None


def _opened(tx: Connection, runtime: Runtime, one: FollowUp, now: int) -> Opened:
    coming = follow_up_plans.next_contact(tx, runtime, one, runtime.today(now))
    return Opened(families.show_code(one.code), coming)
