"""Accounts of mediators: made and changed by staff, opened by a PIN, locked by five wrong ones until a person looks."""

from __future__ import annotations

import json
import re
import secrets
import unicodedata
from collections.abc import Sequence
from typing import Literal, NamedTuple

from sqlalchemy.engine import Connection

from flows import phone_numbers
from service.clock import DAY_MS
from service.domain import pins
from service.runtime import Runtime
from service.store import mediator_tables, people_tables, phone_tables, place_tables, task_tables
from service.store.mediator_tables import Mediator
from service.stories.homes import programmes

TASK = "mediator_locked"
MOST_TRIES = 5
"""Wrong PINs in a row. Four digits: whoever tries has one chance in two thousand, and is seen."""
LINE_KEPT_MS = 90 * DAY_MS


Changed = Literal["changed", "differ", "easy", "closed"]


class Refused(Exception):
    """What staff asked for cannot be; the text says why, and nothing was written."""


class Added(NamedTuple):
    """A new account. `pin` is told once and kept nowhere."""

    id: int
    pin: str


# --- what staff does ----------------------------------------------------------------------------------------


def add(
    tx: Connection, runtime: Runtime, *, name: str, number: str, zones: Sequence[str], language: str, now: int
) -> Added:
    """An account for this phone. `zones` are names or codes of quartiers. Raises Refused."""
    whom = phone_numbers.to_e164(number, runtime.config.country)
    if whom is None or not phone_numbers.is_mobile(whom):
        raise Refused("that is no number of a mobile phone; write it like +223 70 00 00 01")
    if not name.strip():
        raise Refused("an account needs a name")
    zone_ids = zone_ids_of(tx, zones)
    phone = phone_tables.ensure_phone(tx, whom, now)
    phone_tables.lock_phone(tx, phone.id)
    if mediator_tables.of_phone(tx, phone.id) is not None:
        raise Refused("this phone has an account already: `laseli mediator list` shows it")
    programme = programmes.of_children(tx)
    organisation_id, pin = programme.organisation_id, _fresh_pin()
    person_id = people_tables.add_person(tx, organisation_id=organisation_id, name=name.strip(), created_at=now)
    mediator_id = mediator_tables.add(
        tx,
        now,
        organisation_id=organisation_id,
        person_id=person_id,
        phone_id=phone.id,
        language=language,
        pin=_stored(pin),
    )
    mediator_tables.set_zones(tx, mediator_id, zone_ids)
    return Added(mediator_id, pin)


def new_pin(tx: Connection, mediator_id: int) -> str:
    """Another PIN in the place of the former one; a locked account stays locked. Raises Refused."""
    one = staying(tx, mediator_id)
    pin = _fresh_pin()
    mediator_tables.change(tx, one.id, pin=_stored(pin))
    return pin


def unlock(tx: Connection, mediator_id: int, by: str, now: int) -> bool:
    """The account opens again and its line leaves the list; False when it was not locked. Raises Refused."""
    one = staying(tx, mediator_id)
    if one.state != "locked":
        return False
    mediator_tables.change(tx, one.id, state="active", tries=0, locked_at=None)
    task_tables.close_task_of(tx, _task_key(one.id, one.locked_at), "done", by, now)
    return True


def serve(tx: Connection, mediator_id: int, zones: Sequence[str]) -> None:
    """She serves these quartiers from now on, and no other. Raises Refused."""
    one = staying(tx, mediator_id)
    mediator_tables.set_zones(tx, one.id, zone_ids_of(tx, zones))


def leave(tx: Connection, mediator_id: int, by: str, now: int) -> None:
    """She works here no more: the account opens nothing, and its phone may have another one. Raises Refused."""
    one = staying(tx, mediator_id)
    mediator_tables.set_zones(tx, one.id, ())
    mediator_tables.change(tx, one.id, state="left", left_at=now, locked_at=None, tries=0)
    if one.locked_at is not None:
        task_tables.close_task_of(tx, _task_key(one.id, one.locked_at), "dropped", by, now)


# --- what the phone opens -----------------------------------------------------------------------------------


def active_on(tx: Connection, number: str) -> Mediator | None:
    """The mediator whose phone this is, while her account is open. It proves nothing: a sender can be forged."""
    phone = phone_tables.find_phone(tx, number)
    one = mediator_tables.of_phone(tx, phone.id) if phone else None
    return one if one is not None and one.state == "active" else None


def check_pin(tx: Connection, number: str, typed: str, now: int) -> Mediator | None:
    """The mediator who proved to be one. None for a wrong PIN, a locked account and a phone without one alike.

    The fifth wrong one in a row locks the account and tells the supervisor; the caller must commit either way.
    """
    phone = phone_tables.find_phone(tx, number)
    one = mediator_tables.of_phone(tx, phone.id, lock=True) if phone else None
    is_right = pins.is_pin_of(typed, one.pin if one else pins.NOBODYS)
    if one is None or one.state != "active":
        return None
    if is_right:
        mediator_tables.change(tx, one.id, tries=0, last_used_at=now)
        return one
    _note_wrong(tx, one, now)
    return None


def change_own_pin(tx: Connection, number: str, former: str, new: str, again: str, now: int) -> Changed:
    """Another PIN, of her own choice: typed twice, none of those that are tried first, and not the former one.

    "closed" is for whoever did not prove to be a mediator: nothing was written, and a wrong former PIN counts.
    """
    one = check_pin(tx, number, former, now)
    if one is None:
        return "closed"
    if new != again:
        return "differ"
    if pins.is_easy(new) or pins.is_pin_of(new, one.pin):
        return "easy"
    mediator_tables.change(tx, one.id, pin=_stored(new))
    return "changed"


def signature(one: Mediator) -> str:
    """Who recorded something, without a name."""
    return f"mediator:{one.id}"


def note_use(tx: Connection, one: Mediator, now: int) -> None:
    mediator_tables.change(tx, one.id, last_used_at=now)


def _note_wrong(tx: Connection, one: Mediator, now: int) -> None:
    tries = one.tries + 1
    if tries < MOST_TRIES:
        mediator_tables.change(tx, one.id, tries=tries)
        return
    mediator_tables.change(tx, one.id, tries=tries, state="locked", locked_at=now)
    served = mediator_tables.zones_of(tx, one.id)
    details = {
        "Médiatrice": one.name or "",
        "Codes faux de suite": str(tries),
        "À faire": "L'appeler : était-ce elle ? Puis débloquer le compte, avec un nouveau code si besoin.",
    }
    task_tables.add_task(
        tx,
        now,
        key=_task_key(one.id, now),
        kind=TASK,
        zone_id=served[0][0] if served else None,
        phone_id=one.phone_id,
        details=json.dumps(details, ensure_ascii=False),
        expires_at=now + LINE_KEPT_MS,
    )


# --- in common ----------------------------------------------------------------------------------------------


def staying(tx: Connection, mediator_id: int) -> Mediator:
    """The account, ours until the commit, of somebody who works here. Raises Refused."""
    one = mediator_tables.of_id(tx, mediator_id)
    if one is None or one.state == "left":
        raise Refused(f"there is no account {mediator_id}: `laseli mediator list` shows them")
    return one


def _task_key(mediator_id: int, locked_at: int | None) -> str:
    return f"{TASK}:{mediator_id}:{locked_at}"


def _fresh_pin() -> str:
    while True:
        pin = f"{secrets.randbelow(10**pins.DIGITS):0{pins.DIGITS}d}"
        if not pins.is_easy(pin):
            return pin


def _stored(pin: str) -> str:
    return pins.stored_form(pin, secrets.token_bytes(pins.SALT_BYTES))


def zone_ids_of(tx: Connection, written: Sequence[str]) -> list[int]:
    """The quartiers of these names, in this order, each once; at least one. Raises Refused."""
    known = {plain(name): (zone_id, name) for zone_id, name in place_tables.zones(tx)}
    wanted = [word for word in (each.strip() for each in written) if word]
    if not wanted:
        raise Refused(f"name at least one quartier: {', '.join(name for _, name in known.values())}")
    for word in wanted:
        if plain(word) not in known:
            raise Refused(f"'{word}' is no quartier; known: {', '.join(name for _, name in known.values())}")
    return list(dict.fromkeys(known[plain(word)][0] for word in wanted))


def zone_named(tx: Connection, written: str) -> int | None:
    """The quartier with this name, however it is spelled; None when it is none of ours."""
    return next((zone_id for zone_id, name in place_tables.zones(tx) if plain(name) == plain(written)), None)


def plain(name: str) -> str:
    """'Bamako-Coura', 'bamako coura' and 'BAMAKO COURA ' are one quartier."""
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", name).casefold())
