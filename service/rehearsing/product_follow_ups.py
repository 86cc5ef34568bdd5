"""The product's follow-ups with dates behind a rehearsed year: what a centre, a programme or the mutual tells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from random import Random

from sqlalchemy.engine import Connection

from service import jobs
from service.clock import FixedClock
from service.rehearsing.lives import Kid, Quartier
from service.rehearsing.rounds import RoundWord
from service.runtime import Runtime
from service.store import round_tables
from service.store.columns import ids_from
from service.store.people_tables import Child
from service.stories.care import follow_ups, malaria_announcements, treatments
from service.stories.care.follow_ups import Opening
from service.stories.care.malaria_announcements import Said
from service.stories.care.treatments import Seen
from service.stories.homes import consents, memberships

CONSENT = consents.Words("rehearsal", "fr", "rehearsal")
BY = "rehearsal"


class FollowUpsInside:
    """`_codes` are of children, `_women` of their mothers by the child that is expected, `_covers` of families."""

    def __init__(self, runtime: Runtime, clock: FixedClock, seed: int) -> None:
        self.runtime, self._clock, self._seed = runtime, clock, seed
        self._codes: dict[str, str] = {}
        self._women: dict[str, str] = {}
        self._covers: dict[str, str] = {}

    def _own_ids(self, kid: str) -> AbstractContextManager[None]:
        """Its household has the same id in every such year, and with it the same arm of an experiment."""
        return ids_from(Random(f"{self._seed} {kid}"))  # noqa: S311 - no secret: the same another time

    @contextmanager
    def _child(self, kid: str, now: int) -> Iterator[tuple[Connection, Child]]:
        self._clock.moment = now
        with self.runtime.database.begin() as tx:
            yield tx, treatments.find(tx, self._codes[kid])

    def treat(self, kid: str, mm: int, now: int) -> None:
        with self._child(kid, now) as (tx, child):
            seen = Seen(self.runtime.today(now), mm)
            treatments.open_treatment(tx, self.runtime, child, seen, CONSENT, BY, now)

    def measure(self, kid: str, mm: int, now: int) -> None:
        with self._child(kid, now) as (tx, child):
            treatments.record_visit(tx, self.runtime, child, Seen(self.runtime.today(now), mm), BY, now)

    def send_on(self, kid: str, now: int) -> None:
        with self._child(kid, now) as (tx, child):
            treatments.send_on(tx, self.runtime, child, BY, now)

    def discharge(self, kid: str, why: str, now: int) -> None:
        with self._child(kid, now) as (tx, child):
            treatments.end(tx, self.runtime, child, why, BY, now)

    # --- malaria rounds --------------------------------------------------------------------------------------------

    def tell_round(self, word: RoundWord, now: int) -> None:
        """In every district. The worker asks the families within a minute, long before the next moment of the year."""
        self._clock.moment = now
        with self.runtime.database.begin() as tx:
            for district in round_tables.district_names(tx):
                if word.kind == "cancelled":
                    malaria_announcements.cancel(tx, self.runtime, district, word.number, BY, now, year=word.first.year)
                    continue
                say = malaria_announcements.announce if word.kind == "announced" else malaria_announcements.move
                say(tx, self.runtime, Said(district, word.number, word.first, word.last, BY), now)
        jobs.carry_out_due(self.runtime)

    # --- covers ----------------------------------------------------------------------------------------------------

    def cover(self, family: str, number: str, until: date, now: int) -> None:
        self._clock.moment = now
        with self.runtime.database.begin() as tx:
            if family not in self._covers:
                asked = memberships.Request("Rehearsal", 5, memberships.PACKAGES[0], CONSENT)
                self._covers[family] = memberships.request(tx, self.runtime, number, asked, now).number
            memberships.confirm(tx, self.runtime, self._covers[family], until, BY, now)

    def end_cover(self, family: str, now: int) -> None:
        self._clock.moment = now
        with self.runtime.database.begin() as tx:
            memberships.end(tx, self.runtime, self._covers[family], BY, now)

    # --- pregnancies -----------------------------------------------------------------------------------------------

    def open_pregnancy(self, woman: str, number: str, quartier: Quartier, week: int, now: int) -> None:
        self._clock.moment = now
        today = self.runtime.today(now)
        told = Opening(number=number, zone_id=quartier.id, week=week, seen_on=today, consent=CONSENT, by=BY)
        with self._own_ids(f"{woman} awaited"), self.runtime.database.begin() as tx:
            self._women[woman] = digits(follow_ups.open_pregnancy(tx, self.runtime, told, now).code)

    def made_contact(self, woman: str, now: int) -> None:
        self._clock.moment = now
        with self.runtime.database.begin() as tx:
            one = follow_ups.find(tx, self._women[woman])
            follow_ups.contact_done(tx, self.runtime, one, self.runtime.today(now), BY, now)

    def birth(self, kid: Kid, now: int) -> None:
        self._clock.moment = now
        with self._own_ids(kid.key), self.runtime.database.begin() as tx:
            one = follow_ups.find(tx, self._women[kid.key])
            born = follow_ups.birth(tx, self.runtime, one, kid.born_on, 1, BY, now, (kid.sex,))
        self._codes[kid.key] = digits(born.codes[0])

    def loss(self, woman: str, now: int) -> None:
        self._clock.moment = now
        with self.runtime.database.begin() as tx:
            one = follow_ups.find(tx, self._women[woman])
            follow_ups.loss(tx, self.runtime, one, self.runtime.today(now), now, by=BY)

    def moved_away(self, woman: str, now: int) -> None:
        self._clock.moment = now
        with self.runtime.database.begin() as tx:
            one = follow_ups.find(tx, self._women[woman])
            follow_ups.end(tx, self.runtime, one, "moved", self.runtime.today(now), BY, now)


def digits(code: str) -> str:
    return re.sub(r"\D", "", code)
