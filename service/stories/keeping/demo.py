"""The demo's invented families, and what its page shows of them. Never used on a database of real people."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

from flows import sms_keywords
from flows.phone_numbers import show
from service.clock import DEMO_MARK
from service.domain import visits
from service.runtime import Runtime
from service.store import people_tables, phone_tables, place_tables, staff_tables, system_tables, task_tables
from service.store.people_tables import Child
from service.store.task_tables import Task
from service.stories.care import care, doses
from service.stories.homes import consents, families, task_words
from service.stories.staff import mediator_accounts, staff_accounts
from service.stories.talk import releases

NAMES = ("Awa", "Moussa", "Fanta", "Sékou", "Aminata", "Ibrahim", "Kadiatou", "Oumar", "Mariam", "Bakary")
SHOWN = 50
FIRST_NUMBER = 70_000_101
"""Invented: the blocks +223 70 00 01 xx. The simulator has no way to a real network."""
MEDIATOR = "+22370000199"
PIN_MARK = "demo_pin"
STAFF, STAFF_MARK = "demo", "demo_password"


class NotForReal(Exception):
    """The database may hold real people: the demo does not touch it."""


def seed(tx: Connection, runtime: Runtime, now: int, how_many: int = 12, dice_seed: int = 7) -> int:
    """Fill an empty database with invented families of Commune III; does nothing when it already is a demo."""
    if system_tables.read_mark(tx, DEMO_MARK):
        return 0
    if phone_tables.any_phone(tx):
        raise NotForReal("this database already holds people and is not marked as a demo; choose another file")
    system_tables.mark(tx, DEMO_MARK, "invented families")
    dice = random.Random(dice_seed)  # noqa: S311 -- invented families, not secrets
    zones = [zone_id for zone_id, _ in place_tables.zones(tx)]
    for place in range(how_many):
        number = f"+223{FIRST_NUMBER + place // 5 * 4 + place % 5 % 4}"  # every fifth child is a sibling
        families.enrol_child(tx, runtime, number, _invented(runtime, dice, zones, now), now)
    _add_mediator(tx, runtime, now)
    return how_many


def _add_mediator(tx: Connection, runtime: Runtime, now: int) -> None:
    """Invented too, and for all quartiers. Her PIN is kept in clear: here it protects nobody."""
    everywhere = [name for _, name in place_tables.zones(tx)]
    made = mediator_accounts.add(
        tx, runtime, name="Kadia, inventée", number=MEDIATOR, zones=everywhere, language="fr", now=now
    )
    system_tables.mark(tx, PIN_MARK, made.pin)


def mediator_told(tx: Connection) -> str:
    """Her phone and PIN, for the terminal; "" in a demo that is older than its mediator."""
    pin = system_tables.read_mark(tx, PIN_MARK)
    return f"{show(MEDIATOR)}, PIN {pin}" if pin else ""


def staff_told(tx: Connection, now: int) -> str:
    """Login and password of the console's account, for the terminal; made where this demo has none yet.

    The password is kept in clear, as the mediator's PIN, and lasts: a demo's weeks are soon over.
    """
    if staff_tables.staff_of_login(tx, STAFF) is None:
        opening = staff_accounts.add(tx, login=STAFF, role="supervisor", centre="", by="demo", now=now)
        staff_tables.change_staff(tx, staff_accounts.working(tx, STAFF).id, start_until=None)
        system_tables.mark(tx, STAFF_MARK, opening.password)
    return f"{STAFF}, password {system_tables.read_mark(tx, STAFF_MARK)}"


def _invented(runtime: Runtime, dice: random.Random, zones: list[int], now: int) -> families.Enrolment:
    today = runtime.today(now)
    born = today - timedelta(days=dice.randint(3, 300))
    made = ["none", *visits.visits_so_far(runtime.calendar, born, today)]
    return families.Enrolment(
        name=dice.choice(NAMES),
        born_on=born,
        birth_precision="day",
        sex=dice.choice("FM"),
        zone_id=dice.choice(zones),
        last_visit=dice.choice(made[-2:]),
        last_visit_on=None,
        consent=consents.Words("demo", "fr", "demo"),
    )


def state(runtime: Runtime) -> dict[str, Any]:
    """What the page of phones shows beside them: the moment, each child with what is expected next, the mediators'
    list, and the words that begin a conversation by SMS."""
    now = runtime.now()
    with runtime.database.read() as tx:
        found = people_tables.followed_children(tx, SHOWN)
        return {
            "now": iso(runtime, now),
            "zone": runtime.config.timezone,
            "children": [_shown(tx, runtime, one, number, now) for one, number in found],
            "tasks": [_told(runtime, one) for one in task_tables.tasks(tx, limit=SHOWN)],
            "tasks_open": task_tables.count_open_tasks(tx),
            "words": [words[0] for words, _ in sms_keywords.openings(releases.library(runtime, tx))],
        }


def _told(runtime: Runtime, task: Task) -> dict[str, Any]:
    return {
        "kind": task_words.title_of(task.kind),
        "zone": task.zone,
        "phone": task.number,
        "since": iso(runtime, task.created_at),
        "lines": task_words.lines_of(task.details),
    }


def _shown(tx: Connection, runtime: Runtime, one: Child, number: str | None, now: int) -> dict[str, Any]:
    today = runtime.today(now)
    next_on = care.assess(tx, runtime, one, today).next_contact
    return {
        "code": families.show_code(one.code),
        "label": f"Enfant de {show(number) if number else 'téléphone inconnu'}, né(e) {one.born_on:%m/%Y}",
        "phone": number,
        "due": care.due_antigens(tx, runtime, one, today),
        "next": next_on.isoformat() if next_on else None,
    }


def record_dose(runtime: Runtime, code: str, antigens: list[str]) -> list[str]:
    """Record these antigens today, or everything that is due when none is named."""
    now = runtime.now()
    today = runtime.today(now)
    with runtime.database.begin() as tx:
        one = people_tables.find_child(tx, code="".join(filter(str.isdigit, code)))
        if one and not antigens:
            antigens = care.due_antigens(tx, runtime, one, today)
            if not antigens:
                raise doses.Refused("rien à donner à cet enfant ce jour-là")
        return doses.record_doses(tx, runtime, code, antigens, today, source="demo", by="demo", now=now)


def iso(runtime: Runtime, now: int) -> str:
    here = datetime.fromtimestamp(now / 1000, ZoneInfo(runtime.zone))
    return here.isoformat(timespec="seconds")
