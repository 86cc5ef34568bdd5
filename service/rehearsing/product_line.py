"""The product behind a rehearsed year: its stories on a database of its own, and a carrier that is a list.

Nothing of it is real but the code: throw-away keys, a temporary file, numbers nobody has, and no network at all.
"""

from __future__ import annotations

import itertools
import re
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from flows.sms_text import fold
from service.channels.base import Capabilities, IncomingSms, Keystroke, Outgoing, Receipt
from service.channels.via_simulator import Simulator
from service.clock import FixedClock
from service.domain import local_time
from service.domain.message_states import Accepted, Outcome
from service.domain.places import WEEKDAYS
from service.rehearsal import a_config
from service.rehearsing.centres import Word
from service.rehearsing.line import Finding, Sent, Written
from service.rehearsing.lives import Kid, Quartier
from service.rehearsing.product_follow_ups import CONSENT, FollowUpsInside, digits
from service.rehearsing.truth import Left
from service.runtime import Runtime, build_runtime
from service.store import centre_tables, outbox_views, people_tables, place_tables
from service.stories.care import doses, home_visits
from service.stories.care.home_visits import Found
from service.stories.delivery import receipts
from service.stories.homes import families, handovers, moves
from service.stories.keeping import setup
from service.stories.recall import centre_calendar, late_list
from service.stories.recall.centre_calendar import Said
from service.stories.staff import mediator_accounts
from service.stories.talk import conversations, incoming

ZONE = "Africa/Bamako"
NAME = "Médiatrice"
SAID = Said(by="rehearsal", why="rehearsal")
CONFIRMED = {"follow_ups": {"confirmed_by": "rehearsal"}, "cover": {"confirmed_by": "rehearsal"}}
Round = Callable[[Runtime], object]
LONGEST_MENU = 20


class CarrierInside(Simulator):
    """A carrier in this process: it takes every message and keeps the truth of what it took."""

    def __init__(self, clock: FixedClock) -> None:
        super().__init__(
            username="rehearsal",
            api_key="none",
            hook_secrets=(secrets.token_urlsafe(32),),
            base_url="http://127.0.0.1:9",
        )
        self.capabilities = Capabilities(two_way=True, receipts=True, shows_drafts=True)
        self._clock, self._lock, self._taken = clock, threading.Lock(), list[Sent]()

    def send(self, outgoing: Outgoing) -> Outcome:
        with self._lock:
            self._taken.append(Sent(self._clock.now(), outgoing.to, outgoing.text, outgoing.message_id))
        return Accepted(f"in-{outgoing.message_id}")

    def taken(self) -> list[Sent]:
        """What it took since it was asked last."""
        with self._lock:
            found, self._taken = self._taken, []
        return found


_CODE = re.compile(r"\b\d{4} \d{4}\b")


def _told(one: Sent, key: str, purpose: str) -> Sent:
    """Children's codes are drawn anew in every year: the same seed is to be the same year all the same."""
    text = _CODE.sub("0000 0000", one.text) if purpose == "staff" else one.text
    return one._replace(key=key, purpose=purpose, text=text)


class ProductLine(FollowUpsInside):
    def __init__(
        self, runtime: Runtime, carrier: CarrierInside, clock: FixedClock, one_round: Round, seed: int
    ) -> None:
        super().__init__(runtime, clock, seed)
        self._carrier, self._one_round = carrier, one_round
        with runtime.database.read() as tx:
            self._centres = {name: code for _, code, name in centre_tables.centres(tx)}
        self._mediators: dict[str, tuple[str, list[int]]] = {}
        self._sessions = itertools.count(1)

    def stand_at(self, now: int) -> None:
        self._clock.moment = now

    def quartiers(self) -> tuple[Quartier, ...]:
        found = []
        with self.runtime.database.read() as tx:
            for zone_id, name in place_tables.zones(tx):
                place = place_tables.place_of_zone(tx, zone_id)
                assert place is not None
                profile = self.runtime.calendar.profile_for(place.district)
                found.append(Quartier(zone_id, name, profile, place.centre or "", place.district))
        return tuple(found)

    def enrol(self, number: str, kid: Kid, quartier: Quartier, by_ussd: bool, now: int) -> None:
        self._clock.moment = now
        with self._own_ids(kid.key):
            self._codes[kid.key] = (self._dial if by_ussd else self._told)(number, kid, quartier, now)

    def _told(self, number: str, kid: Kid, quartier: Quartier, now: int) -> str:
        told = families.Enrolment(
            name=kid.name,
            born_on=kid.born_on,
            birth_precision="day",
            sex=kid.sex,
            zone_id=quartier.id,
            last_visit=kid.last_visit,
            last_visit_on=None,
            consent=CONSENT,
        )
        with self.runtime.database.begin() as tx:
            return digits(families.enrol_child(tx, self.runtime, number, told, now).code)

    def write_doses(self, written: Sequence[Written], now: int) -> None:
        self._clock.moment = now
        with self.runtime.database.begin() as tx:
            for one in written:
                code = self._codes[one.kid]
                doses.record_doses(
                    tx, self.runtime, code, one.antigens, one.on, source="centre", by="rehearsal", now=now
                )

    def end(self, kids: Sequence[str], now: int) -> None:
        self._clock.moment = now
        with self.runtime.database.begin() as tx:
            for kid in kids:
                child = people_tables.find_child(tx, code=self._codes[kid])
                assert child is not None
                families.stop_child(tx, self.runtime, child.id, now)

    def move(self, kids: Sequence[str], quartier: Quartier, now: int) -> None:
        self._clock.moment = now
        with self.runtime.database.begin() as tx:
            found = [people_tables.find_child(tx, code=self._codes[kid]) for kid in kids]
            moves.move(tx, self.runtime, [child for child in found if child], quartier.id, None, now)

    def change_number(self, kid: Kid, number: str, now: int) -> bool:
        self._clock.moment = now
        with self.runtime.database.begin() as tx:
            code, born = int(self._codes[kid.key]), int(f"{kid.born_on:%d%m%Y}")
            return handovers.claim(tx, self.runtime, number, code, born, CONSENT, now) == "ok"

    def stop(self, number: str, now: int) -> None:
        self._clock.moment = now
        event = f"stop-{next(self._sessions)}"
        incoming.take_sms(self.runtime, IncomingSms(self._carrier.name, event, number, number, "ARRET", to="Laseli"))

    def hear(self, centre: str, word: Word, now: int) -> None:
        self._clock.moment = now
        runtime, code = self.runtime, self._centres[centre]
        if word.kind == "week":
            week = [(WEEKDAYS[one.weekday], sorted(one.antigens)) for one in word.week]
            centre_calendar.set_days(runtime, code, week, word.since, SAID)
        elif word.kind == "cancelled":
            centre_calendar.cancel_day(runtime, code, word.since, SAID)
        elif word.kind == "extra":
            centre_calendar.add_day(runtime, code, word.since, (), SAID)
        elif word.kind == "out":
            centre_calendar.out_of_stock(runtime, code, word.antigen, word.since, word.until, SAID)
        else:
            centre_calendar.back_in_stock(runtime, code, word.antigen, word.since, SAID)

    def add_mediator(self, centre: str, number: str, quartiers: Sequence[Quartier], now: int) -> None:
        names = [one.name for one in quartiers]
        with self.runtime.database.begin() as tx:
            mediator_accounts.add(tx, self.runtime, name=NAME, number=number, zones=names, language="fr", now=now)
        self._mediators[centre] = (number, [one.id for one in quartiers])

    def late_list(self, centre: str, now: int) -> list[str]:
        kid_of = {code: kid for kid, code in self._codes.items()}
        with self.runtime.database.read() as tx:
            found = late_list.late_children(tx, self.runtime, self._mediators[centre][1], self.runtime.today(now))
        by_days = sorted((-one.days_late, kid_of[one.code]) for one in found)  # codes are new in every year
        return [kid for _, kid in by_days]

    def visited(self, centre: str, kid: str, found: Finding, now: int) -> None:
        self._clock.moment = now
        with self.runtime.database.begin() as tx:
            one = mediator_accounts.active_on(tx, self._mediators[centre][0])
            child = people_tables.find_child(tx, code=self._codes[kid])
            assert one is not None
            assert child is not None
            home_visits.record(tx, self.runtime, one, child, Found(found, self.runtime.today(now)), now)

    def receipt(self, one: Left, now: int) -> None:
        self._clock.moment = now
        state, detail = ("delivered", "Success") if one.delivered else ("undelivered", "AbsentSubscriber")
        receipts.take(
            self.runtime,
            Receipt(self._carrier.name, f"in-{one.message}", one.to, None, state, detail),  # type: ignore[arg-type]
        )

    def round(self, now: int) -> list[Sent]:
        self._clock.moment = now
        self._one_round(self.runtime)
        taken = self._carrier.taken()
        with self.runtime.database.read() as tx:
            known = outbox_views.keys_of(tx, [one.message for one in taken])
        return [_told(one, *known[one.message]) for one in taken]

    # --- a mother who dials ----------------------------------------------------------------------------------------

    def _dial(self, number: str, kid: Kid, quartier: Quartier, now: int) -> str:
        """Enrol a child as a mother does; gives its code."""
        call = _Call(self.runtime, self._carrier.name, number, f"rehearsed-{next(self._sessions)}")
        call.press("")
        for label in ("Français", "Mon enfant", "Inscrire un enfant", "Oui"):
            call.choose(label)
        call.press(kid.name)
        call.press(f"{kid.born_on:%d%m%Y}")
        call.choose("Fille" if kid.sex == "F" else "Garçon")
        call.choose(quartier.name)
        call.choose("Aucun")
        call.choose("Oui")
        found = re.search(r"\d{4} \d{4}", call.screen)
        if found is None:
            raise RuntimeError("the conversation of enrolment did not end with a code")
        return digits(found[0])


class _Call:
    """One USSD session."""

    def __init__(self, runtime: Runtime, channel: str, number: str, session: str) -> None:
        self._runtime, self._channel, self._number, self._session = runtime, channel, number, session
        self._typed = self.screen = ""

    def press(self, key: str) -> None:
        self._typed = f"{self._typed}*{key}" if self._typed else key
        step = Keystroke(
            self._channel, self._session, self._number, self._runtime.config.service_code, self._typed, "61001"
        )
        self.screen = conversations.reply_to(self._runtime, step).text

    def choose(self, label: str) -> None:
        """Press the number before this label, turning pages until it is there."""
        for _ in range(LONGEST_MENU):
            found = re.search(rf"^(\d+)[ .)] ?{re.escape(fold(label))}\b", fold(self.screen), re.MULTILINE)
            if found:
                return self.press(found[1])
            self.press("9")
        raise RuntimeError(f"no screen of the conversation offers '{label}'")


@contextmanager
def product_line(
    first: date, one_round: Round, zone: str = ZONE, seed: int = 0, *, experiments: bool = False
) -> Iterator[ProductLine]:
    """The product on a new database in a temporary folder, gone at the end; its clock stands at the first midnight."""
    with TemporaryDirectory(prefix="laseli-") as folder:
        url = f"sqlite:///{Path(folder) / 'laseli.db'}"
        # Nobody here is real: however few families are in an arm, their figures name nobody.
        tried = {"experiment": {"allowed": True}, "report": {"smallest_group": 1}} if experiments else {}
        settings = a_config(url, timezone=zone, sender_threads=32, **CONFIRMED, **tried)
        clock = FixedClock(local_time.start_of_day(first, zone))
        runtime = build_runtime(settings, at=clock)
        try:
            setup.prepare(runtime, rehearsal=True)
            carrier = CarrierInside(clock)
            ready = replace(runtime, channels={carrier.name: carrier}, routes=(carrier,))
            yield ProductLine(ready, carrier, clock, one_round, seed)
        finally:
            runtime.database.close()
