"""Helpers that act like people: a phone with keys and an inbox, and the time that passes."""

from __future__ import annotations

import itertools
import re
import uuid
from datetime import datetime, timedelta

import requests

from flows.sms_text import fold
from scheduler.timetable import one_round
from service.clock import FixedClock
from service.domain import local_time
from service.runtime import Runtime
from tests.loopback import LoopbackCarrier

ZONE = "Africa/Bamako"
_sessions = itertools.count(1)


class TestClock(FixedClock):
    """Local time that a test moves by hand."""

    __test__ = False

    def __init__(self, local: str, zone: str = ZONE) -> None:
        self.zone = zone
        super().__init__(local_time.instant(datetime.fromisoformat(local), zone))

    @property
    def here(self) -> datetime:
        return local_time.local(self.moment, self.zone)

    def advance(self, **span: float) -> None:
        self.moment += int(timedelta(**span).total_seconds() * 1000)

    def set(self, local: str) -> None:
        self.moment = local_time.instant(datetime.fromisoformat(local), self.zone)


class Handset:
    """A phone on Africa's Talking's USSD and SMS, over real HTTP."""

    def __init__(self, product: str, carrier: LoopbackCarrier, number: str, secret: str) -> None:
        self.product, self.carrier, self.number, self.secret = product, carrier, number, secret
        self.session, self.typed, self.screen, self.open = "", "", "", False

    def dial(self) -> str:
        self.session, self.typed = f"ATUid_{next(_sessions):032x}", ""
        return self.send_step()

    def press(self, *answers: str) -> str:
        """Answer one screen after the other; gives the last screen."""
        for answer in answers:
            assert self.open, f"the session is over: {self.screen}"
            self.typed = f"{self.typed}*{answer}" if self.typed else answer
            self.send_step()
        return self.screen

    def choose(self, label: str) -> str:
        """Press the number that stands before this label, turning pages until it is there."""
        while True:
            found = re.search(rf"^(\d+)[ .)] ?{re.escape(fold(label))}", self.screen, re.MULTILINE)
            if found:
                return self.press(found.group(1))
            assert re.search(r"\b9\b", self.screen), f"no '{label}' on {self.screen!r}"
            self.press("9")

    def send_step(self) -> str:
        answer = self.post("ussd", self.step_fields())
        assert answer.status_code == 200, answer.text
        head, self.screen = answer.text[:4], answer.text[4:]
        assert head in ("CON ", "END ")
        self.open = head == "CON "
        return self.screen

    def step_fields(self) -> dict[str, str]:
        return {
            "sessionId": self.session,
            "phoneNumber": self.number,
            "networkCode": "61001",
            "serviceCode": "*384*223#",
            "text": self.typed,
        }

    def write(self, words: str) -> None:
        """Send an SMS to the programme."""
        fields = {"date": "2026-11-20 08:15:00", "from": self.number, "id": str(uuid.uuid4()), "linkId": ""}
        answer = self.post("sms-in", fields | {"text": words, "to": "99000", "networkCode": "61001"})
        assert answer.status_code == 200, answer.text

    def post(self, event: str, fields: dict[str, str]) -> requests.Response:
        address = f"{self.product}/hooks/africastalking/{event}/{self.secret}"
        return requests.post(address, data=fields, timeout=10)

    @property
    def inbox(self) -> list[str]:
        return [sms.text for sms in self.carrier.accepted if sms.to == self.number]


class Days:
    """Days that pass, with the worker's rounds in them. Every round is done twice: that must double nothing."""

    ROUNDS = ("09:30", "17:30")  # after the morning's steps, and after the evening one

    def __init__(self, runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
        self.runtime, self.clock, self.carrier = runtime, clock, carrier

    def until(self, last: str) -> list[tuple[str, str]]:
        """Live through this day; gives (day, text) of every SMS that left, as ('11-23', 'Laseli: ...')."""
        sent = []
        while f"{self.clock.here:%Y-%m-%d}" <= last:
            today = f"{self.clock.here:%Y-%m-%d}"
            for hour in self.ROUNDS:
                self.clock.moment = max(self.clock.moment, TestClock(f"{today}T{hour}", self.clock.zone).moment)
                before = len(self.carrier.accepted)
                if any(one_round(self.runtime).values()):
                    one_round(self.runtime)  # what was done is not done again
                sent += [(today[5:], sms.text) for sms in self.carrier.accepted[before:]]
            self.clock.set(f"{today}T00:01")
            self.clock.advance(days=1)
        return sent


def publish(runtime: Runtime, sources: dict[str, str], *, whole: bool = False) -> int:
    """Publish these files as `laseli flow publish` does, over those of the same name or over all; the number."""
    from service.stories.talk import effects, releases

    with runtime.database.begin() as tx:
        together = sources if whole else releases.published_sources(tx) | sources
        candidate = releases.read_candidate(together, effects.SIGNATURES, runtime.config.screen_limit)
        return releases.publish(tx, candidate, by="Awa", note="a test", now=runtime.now())


def everybody_wants_news(runtime: Runtime) -> None:
    """Somebody behind every phone that is known agreed to informations."""
    from sqlalchemy import insert, select

    from service.store import place_tables
    from service.store.columns import new_id
    from service.store.people_tables import consent, person, person_phone
    from service.store.phone_tables import phone

    now = runtime.now()
    with runtime.database.begin() as tx:
        programme = place_tables.programme_of_code(tx, "suivi-vaccinal")
        assert programme is not None
        of_phone = {phone_id: new_id() for phone_id in tx.execute(select(phone.c.id)).scalars()}
        home = {"organisation_id": programme.organisation_id, "created_at": now}
        said = {"purpose": "campaign", "given": True, "wording": "discreet", "words_version": "test", "language": "fr"}
        said |= {"how": "test", "recorded_by": "self", "at": now, "programme_id": programme.id}
        tx.execute(insert(person), [home | {"id": one} for one in of_phone.values()])
        since = {"since": runtime.today(now)}
        tx.execute(
            insert(person_phone),
            [since | {"person_id": one, "phone_id": phone_id} for phone_id, one in of_phone.items()],
        )
        tx.execute(insert(consent), [said | {"id": new_id(), "person_id": one} for one in of_phone.values()])
